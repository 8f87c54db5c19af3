// SPDX-License-Identifier: Apache-2.0
#include "scaling/crowd.hpp"

#include <stint/detail/adapter.hpp>
#include <stint/plan.hpp>

#include "codec/frame.hpp"
#include "engine/courier.hpp"
#include "engine/heartbeat.hpp"
#include "engine/policy.hpp"
#include "engine/reducer.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <queue>
#include <random>
#include <stdexcept>
#include <utility>

namespace stint::scaling {
namespace {

constexpr double never = std::numeric_limits<double>::infinity();
constexpr double longest_run = 1e5;  // seconds; a run that takes longer hangs

/// Its result is the sum of all chunk numbers, each plus 1: right only if each chunk was counted once.
struct Count {
  static constexpr auto name = "count";
  std::uint64_t chunks = 1;
  void options(Options& o) { o.add("chunks", chunks, ""); }
  [[nodiscard]] Split plan(const Context&) const { return split(chunks, 1); }
  [[nodiscard]] std::uint64_t compute(Range chunk, const Context&) const { return chunk.last; }
  void reduce(std::uint64_t& left, std::uint64_t right) const { left += right; }
  void finish(std::uint64_t sum, Output& out) const { out.text() << sum; }
};

class Made final : public Sink {
 public:
  void node(unsigned level, std::uint64_t index, Partial partial) override {
    nodes.emplace_back(Node{level, index}, std::move(partial));
  }
  void failed(std::uint64_t, std::string error, std::string) override { throw std::runtime_error(error); }
  std::vector<std::pair<Node, Partial>> nodes;
};

enum What : unsigned { courier, heartbeat, reducer, team, death };

struct Event {
  double time;
  std::uint64_t order;  // of two at one moment the first that was known comes first
  unsigned rank;
  What what;
  bool operator>(const Event& other) const { return time > other.time || (time == other.time && order > other.order); }
};

struct Rank {
  Rank(const AnyJob& job, const Costs& costs, const Setup& setup, int number, Blackboard& board, const Clock& clock,
       const Finisher& common)
      : here(whereabouts(number)),
        id(here.host + "/" + std::to_string(number) + ".00000000"),
        workload(job, costs, setup.threads, clock),
        couriers(session, workload, board, clock, courier_options(setup, number), common.encode,
                 [] { throw std::runtime_error("a rank that lives was given up"); }),
        heartbeats(session, board, clock, heartbeat_options(setup), here),
        reducers(session, job, board, clock, finisher(common)) {}

  static Whereabouts whereabouts(int number) {
    Whereabouts where;
    where.host = "node" + std::to_string(1000 + number / 64);
    where.boot = "5f0e1c9a-7d3b-4e52-9c1f-2a8b6d4e0f13/pid:[4026531836]";
    where.rank = number;
    where.world = "4c1d8e2f90ab";
    where.version = "0.1.0";
    return where;
  }
  CourierOptions courier_options(const Setup& setup, int number) const {
    CourierOptions options;
    options.lease = setup.lease;
    options.host = here.host;
    options.seed = setup.seed * 1'000'003U + static_cast<std::uint32_t>(number);
    return options;
  }
  HeartbeatOptions heartbeat_options(const Setup& setup) {
    HeartbeatOptions options;
    options.lease = setup.lease;
    options.computes = [this] { return workload.demand().running > 0 || session.in_job_step; };
    options.oldest_chunk = [this] { return workload.oldest_running(); };
    return options;
  }
  Finisher finisher(Finisher common) {
    common.own = [this](const Node& node) { return workload.take_kept(node); };
    return common;
  }

  const Whereabouts here;
  const std::string id;
  Session session;
  Workload workload;
  Courier couriers;
  Heartbeat heartbeats;
  Reducer reducers;
  double due[5] = {never, never, never, never, never};
  double free_from[5] = {};                       // what is at work goes on until then
  std::vector<std::pair<double, Block>> running;  // by when they end
  double first_chunk = -1, last_chunk = 0;
  bool joined = false, dead = false;
};

class Crowd {
 public:
  Crowd(const Setup& setup, VirtualServer& server, VirtualClock& clock)
      : setup_(setup), server_(server), clock_(clock), costs_(setup.weights ? Costs(setup.seconds) : Costs()) {
    Options options;
    job_.options(options);
    options.entries().front().set({std::to_string(setup.seconds.size())});
    job_.plan(Context(RunFacts{}));
    finisher_.render = [](const Partial&, const RunState&) {};
    finisher_.fields = [](const RunState&) { return std::map<std::string, std::string>{}; };
    finisher_.encode = [this](const Node& node, const Hidden& partial) {
      return codec::wrap({'n', job_.fingerprint(), node.size()}, job_.encode(partial));
    };
    finisher_.decode = [this](const Node& node, std::string_view frame) {
      return job_.decode(codec::unwrap({'n', job_.fingerprint(), node.size()}, frame));
    };
    finisher_.encode_result = [this](const Hidden& partial, std::uint64_t chunks) {
      return codec::wrap({'r', job_.fingerprint(), chunks}, job_.encode(partial));
    };
  }

  Report run() {
    RunSpec spec;
    spec.run = "run";
    spec.job = "count";
    spec.chunks = setup_.seconds.size();
    spec.slots = static_cast<std::uint64_t>(setup_.ranks);
    spec.node_limit = policy::node_limit(spec.slots);
    spec.profile = costs_.profile();
    server_.begin(0);
    server_.board().create(spec, true, false);
    const double made = server_.end();

    std::minstd_rand random(setup_.seed);
    std::uniform_real_distribution<> within(0, setup_.start);
    for (int i = 0; i < setup_.ranks; ++i) {
      auto& rank =
          *ranks_.emplace_back(std::make_unique<Rank>(job_, costs_, setup_, i, server_.board(), clock_, finisher_));
      const auto number = static_cast<unsigned>(i);
      rank.workload.on_change = [this, number] { schedule(number, courier, clock_.now()); };
      rank.session.on_end = [&rank] { rank.workload.close(); };
      schedule(number, courier, made + (i == 0 ? 0 : within(random)));
      if (setup_.deaths.at(number) >= 0) schedule(number, death, setup_.deaths[number]);
    }
    while (!finished_) {
      if (events_.empty()) throw std::runtime_error("all ranks have stopped, and the run has not ended");
      const Event event = events_.top();
      events_.pop();
      auto& rank = *ranks_[event.rank];
      if (event.time != rank.due[event.what] || rank.dead) continue;
      if (event.time > longest_run) throw std::runtime_error("the run does not end");
      rank.due[event.what] = never;
      report_.events += 1;
      step(event.rank, rank, event.what, event.time);
    }
    conclude();
    return std::move(report_);
  }

 private:
  void schedule(unsigned number, What what, double time) {
    auto& rank = *ranks_[number];
    time = std::max(time, rank.free_from[what]);
    if (time >= rank.due[what]) return;
    rank.due[what] = time;
    events_.push({time, order_++, number, what});
  }

  void step(unsigned number, Rank& rank, What what, double time) {
    if (what == death) {
      rank.dead = true;
      return;
    }
    if (what == team) return work(number, rank, time);
    server_.begin(time);
    const auto claims = rank.session.progress.claims.load();
    double wait = 0;
    if (what == courier) {
      wait = rank.joined ? rank.couriers.step() : appear(number, rank);
    } else if (what == heartbeat) {
      wait = rank.heartbeats.step();
    } else {
      wait = rank.reducers.step();
    }
    const double ended = server_.end();
    if (what == courier && rank.session.progress.claims != claims) {
      report_.claim_waits.push_back(static_cast<float>(ended - time));
      if (rank.workload.demand().ready_chunks == 0) report_.vain_claims += 1;
    }
    if (const auto outcome = rank.session.outcome()) {
      if (outcome->kind == Outcome::Kind::failed) throw std::runtime_error(rank.id + ": " + outcome->error);
      if (outcome->kind == Outcome::Kind::finished) {
        finished_ = true;
        report_.makespan = ended;
      }
      if (rank.session.over()) return;
    }
    rank.free_from[what] = ended;
    schedule(number, what, ended + wait);
    if (what != reducer && rank.session.leading()) schedule(number, reducer, ended);
    const auto demand = rank.workload.demand();
    if (demand.ready_chunks > 0 && demand.running < demand.threads) schedule(number, team, ended);
  }

  // As in engine/worker.cpp.
  double appear(unsigned number, Rank& rank) {
    auto& board = server_.board();
    if (number > 0 && clock_.now() < 2 * setup_.lease && board.state()->workers == 0) return 0.002;
    Caller caller;
    caller.worker = rank.id;
    const auto joined = board.join(caller, rank.here.json(), number, "");
    if (rank.session.ended_by(joined.refusal)) return 0;
    rank.session.progress.workers = joined.state.workers;
    rank.session.progress.chunks = joined.state.chunks;
    rank.session.set_identity({caller.worker, joined.state.generation});
    rank.session.set_leader(joined.leader);
    rank.joined = true;
    schedule(number, heartbeat, clock_.now());
    return 0;
  }

  // The threads of the rank: hand in what has ended, take what there is.
  void work(unsigned number, Rank& rank, double time) {
    server_.begin(time);
    while (!rank.running.empty() && rank.running.front().first <= time) {
      const Block block = rank.running.front().second;
      rank.running.erase(rank.running.begin());
      const auto scratch = job_.scratch(Context(RunFacts{}));
      Made made;
      job_.compute(block.chunks, block.attempt, RunFacts{}, *scratch, made);
      rank.workload.put(block, std::move(made.nodes), {});
      rank.last_chunk = time;
    }
    while (rank.running.size() < static_cast<std::size_t>(setup_.threads)) {
      const auto block = rank.workload.try_take();
      if (!block) break;
      double seconds = 0;
      for (auto chunk = block->chunks.first; chunk < block->chunks.last; ++chunk) seconds += setup_.seconds[chunk];
      rank.running.emplace_back(time + seconds, *block);
      if (rank.first_chunk < 0) rank.first_chunk = time;
    }
    std::ranges::sort(rank.running, {}, [](const auto& each) { return each.first; });
    if (!rank.running.empty()) schedule(number, team, rank.running.front().first);
    schedule(number, courier, time);
  }

  void conclude() {
    auto& board = server_.board();
    const auto state = board.state();
    const auto count = [&](const char* field) {
      const auto found = state->fields.find(field);
      return found == state->fields.end() ? 0 : std::stoull(found->second);
    };
    report_.steals = state->steals;
    report_.copies = count("copies");
    report_.again = state->again;
    report_.reaped = state->reaped;
    const auto frame = board.result();
    const std::uint64_t chunks = setup_.seconds.size();
    const auto right = archive::encode(std::uint64_t{chunks * (chunks + 1) / 2});
    if (!frame || codec::unwrap({'r', job_.fingerprint(), chunks}, *frame) != right) {
      throw std::runtime_error("the result is wrong: not each chunk was counted once");
    }
    for (unsigned i = 0; i < ranks_.size(); ++i) {
      const auto& rank = *ranks_[i];
      const double end = rank.dead ? setup_.deaths[i] : report_.makespan;
      report_.rank_seconds += end * setup_.threads;
      if (rank.dead) continue;
      report_.idle_at_start += rank.first_chunk < 0 ? end : rank.first_chunk;
      report_.idle_at_end += rank.first_chunk < 0 ? 0 : end - rank.last_chunk;
    }
    std::ranges::sort(report_.claim_waits);
  }

  const Setup& setup_;
  VirtualServer& server_;
  VirtualClock& clock_;
  Adapter<Count> job_;
  const Costs costs_;
  Finisher finisher_;
  std::vector<std::unique_ptr<Rank>> ranks_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t order_ = 0;
  bool finished_ = false;
  Report report_;
};

}  // namespace

Report simulate(const Setup& setup, VirtualServer& server, VirtualClock& clock) {
  return Crowd(setup, server, clock).run();
}

}  // namespace stint::scaling
