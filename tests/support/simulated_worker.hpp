// SPDX-License-Identifier: Apache-2.0
// The engine without threads and without waiting: a clock that a test moves, a job whose result shows every merge that
// was made, and a worker whose courier, team, heartbeat and reducer take a step when a test says so.
#pragma once

#include <stint/detail/adapter.hpp>
#include <stint/plan.hpp>

#include "codec/frame.hpp"
#include "engine/courier.hpp"
#include "engine/heartbeat.hpp"
#include "engine/reducer.hpp"
#include "support/fake_blackboard.hpp"
#include "support/run_in_process.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace stint::support {

class ManualClock final : public Clock {
 public:
  [[nodiscard]] double now() const override { return now_; }
  void advance(double seconds) { now_ += seconds; }

 private:
  double now_ = 1000;
};

/// Chunk 5 gives "5", and each merge "(left right)": two results are equal only if each chunk was counted once, in its
/// place. Chunks `failing`, `failing` + `every`, … throw, up to and with their attempt `until`.
struct Trace {
  static constexpr auto name = "trace";
  std::uint64_t chunks = 1, every = 0, failing = 0, until = 0;

  void options(Options& o) {
    o.add("chunks", chunks, "").add("every", every, "").add("failing", failing, "").add("until", until, "");
  }
  [[nodiscard]] Split plan(const Context&) const { return split(chunks, 1); }
  [[nodiscard]] std::string compute(Range chunk, const Context& context) const {
    if (fails(chunk.first) && context.attempt() <= static_cast<int>(until)) throw std::runtime_error("no luck");
    return std::to_string(chunk.first);
  }
  void reduce(std::string& left, const std::string& right) const { left = "(" + left + " " + right + ")"; }
  void finish(const std::string& all, Output& out) const { out.text() << all; }

  [[nodiscard]] bool fails(std::uint64_t chunk) const { return every > 0 && chunk % every == failing; }
};

/// The same by plain recursion over the tree.
inline std::string traced(Node node) {
  if (node.level == 0) return std::to_string(node.index);
  const Node left{node.level - 1, 2 * node.index};
  return "(" + traced(left) + " " + traced(left.sibling()) + ")";
}
/// What the result must be when all of [0, chunks) are done but these: from left to right the largest nodes.
inline std::string traced_without(std::uint64_t chunks, const std::set<std::uint64_t>& missing) {
  std::string all;
  const std::function<void(Node)> add = [&](Node node) {
    const auto hole = missing.lower_bound(node.first());
    if (node.last() <= chunks && (hole == missing.end() || *hole >= node.last())) {
      all = all.empty() ? traced(node) : "(" + all + " " + traced(node) + ")";
    } else if (node.level > 0 && node.first() < chunks) {
      const Node left{node.level - 1, 2 * node.index};
      add(left);
      add(left.sibling());
    }
  };
  add({40, 0});
  return all;
}

inline std::shared_ptr<Adapter<Trace>> trace_job(const Arguments& arguments) {
  auto job = std::make_shared<Adapter<Trace>>();
  set_options(*job, arguments);
  job->plan(Context(RunFacts{}));
  return job;
}

inline codec::Label label_of(const AnyJob& job, char kind, std::uint64_t chunks) {
  return {kind, job.fingerprint(), chunks};
}
inline std::string frame_of(const AnyJob& job, const Node& node, const Hidden& partial) {
  return codec::wrap(label_of(job, 'n', node.size()), job.encode(partial));
}
/// The frame that a right commit of this node has.
inline std::string frame_of(const AnyJob& job, const Node& node) {
  return codec::wrap(label_of(job, 'n', node.size()), archive::encode(traced(node)));
}
inline std::string text_of_result(const AnyJob& job, const std::string& frame, std::uint64_t chunks) {
  return archive::decode<std::string>(codec::unwrap(label_of(job, 'r', chunks), frame));
}
inline Finisher finisher_of(const AnyJob& job) {
  Finisher finisher;
  finisher.render = [](const Partial&, const RunState&) {};
  finisher.fields = [](const RunState&) { return std::map<std::string, std::string>{}; };
  finisher.encode = [&job](const Node& node, const Hidden& partial) { return frame_of(job, node, partial); };
  finisher.decode = [&job](const Node& node, std::string_view frame) {
    return job.decode(codec::unwrap(label_of(job, 'n', node.size()), frame));
  };
  finisher.encode_result = [&job](const Hidden& partial, std::uint64_t chunks) {
    return codec::wrap(label_of(job, 'r', chunks), job.encode(partial));
  };
  return finisher;
}

class Collected final : public Sink {
 public:
  explicit Collected(int attempt) : attempt_(attempt) {}
  void node(unsigned level, std::uint64_t index, Partial partial) override {
    nodes.emplace_back(Node{level, index}, std::move(partial));
  }
  void failed(std::uint64_t chunk, std::string error, std::string detail) override {
    failures.push_back({chunk, attempt_, std::move(error), std::move(detail)});
  }
  std::vector<std::pair<Node, Partial>> nodes;
  std::vector<ChunkFailure> failures;

 private:
  int attempt_;
};

/// Computes a block and hands it in.
inline void compute(const AnyJob& job, Workload& workload, const Block& block) {
  const RunFacts facts;
  const auto scratch = job.scratch(Context(facts));
  Collected made(block.attempt);
  job.compute(block.chunks, block.attempt, facts, *scratch, made);
  workload.put(block, std::move(made.nodes), std::move(made.failures));
}

/// Where simulated workers meet: a run of Trace on some board, and a clock that is the board's, too.
struct Stage {
  explicit Stage(Arguments of) : arguments(std::move(of)) {}
  virtual ~Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  /// A handle of the board, for one worker.
  [[nodiscard]] virtual std::unique_ptr<Blackboard> open() = 0;
  virtual void advance(double seconds) = 0;

  Arguments arguments;
  ManualClock clock;
};

/// On a fake server.
struct SimulatedRun final : Stage {
  explicit SimulatedRun(std::uint64_t chunks, std::uint64_t slots = 1, const Arguments& more = {},
                        const std::function<void(RunSpec&)>& change = [](RunSpec&) {})
      : Stage(more) {
    arguments["chunks"] = {std::to_string(chunks)};
    RunSpec spec;
    spec.run = "r";
    spec.chunks = chunks;
    spec.slots = slots;
    change(spec);
    board().create(spec, false, false);
  }
  [[nodiscard]] test_support::FakeBlackboard board() const { return {server, "r"}; }
  [[nodiscard]] std::unique_ptr<Blackboard> open() override {
    return std::make_unique<test_support::FakeBlackboard>(server, "r");
  }
  void advance(double seconds) override {
    clock.advance(seconds);
    server->advance(seconds);
  }
  /// `look(test_support::FakeRun&)`
  template <class Look>
  auto with(Look look) const {
    return server->with("r", look);
  }

  std::shared_ptr<test_support::FakeServer> server = std::make_shared<test_support::FakeServer>();
};

struct SimulatedWorker {
  SimulatedWorker(Stage& of, std::string named, int threads = 1, const CourierOptions& options = {},
                  ReducerOptions reducing = {})
      : run(of),
        name(std::move(named)),
        job(trace_job(of.arguments)),
        workload(*job, Costs(), threads, of.clock),
        courier(session, workload, board, of.clock, options,
                [this](const Node& node, const Hidden& partial) { return frame_of(*job, node, partial); },
                [this] { join(-1); }),
        heartbeat(session, board, of.clock, heartbeats(options), here()),
        reducer(session, *job, board, of.clock, finisher(), reducing) {
    session.say = session.log = [this](const std::string& line) { said.push_back(line); };
    session.on_end = [this] { workload.close(); };
  }

  [[nodiscard]] HeartbeatOptions heartbeats(const CourierOptions& options) {
    HeartbeatOptions made;
    made.lease = options.lease;
    made.computes = [this] { return workload.demand().running > 0 || session.in_job_step; };
    made.oldest_chunk = [this] { return workload.oldest_running(); };
    return made;
  }
  [[nodiscard]] Finisher finisher() {
    auto made = finisher_of(*job);
    made.own = [this](const Node& node) { return workload.take_kept(node); };
    return made;
  }
  /// Appears on the board, each time under a new id; the same until the board has answered.
  void join(std::int64_t slot) {
    Caller caller;
    caller.worker = name + "." + std::to_string(joins + 1);
    caller.generation = session.identity().generation;
    const auto joined = board.join(caller, here().json(), slot, "");
    joins += 1;
    if (session.ended_by(joined.refusal)) return;
    session.progress.workers = joined.state.workers;
    session.set_identity({caller.worker, joined.state.generation});
    session.set_leader(joined.leader);
  }
  [[nodiscard]] Whereabouts here() const {
    Whereabouts where;
    where.host = name;
    return where;
  }
  /// A thread of the team takes a block; false: there is none.
  bool take() {
    auto block = workload.try_take();
    if (block) running.push_back(*block);
    return block.has_value();
  }
  /// A thread of the team ends the block at this place of `running`.
  void end_block(std::size_t at = 0) {
    const Block block = running.at(at);
    running.erase(running.begin() + static_cast<std::ptrdiff_t>(at));
    compute(*job, workload, block);
  }

  Stage& run;
  const std::string name;
  std::shared_ptr<Adapter<Trace>> job;
  Session session;
  const std::unique_ptr<Blackboard> opened = run.open();
  Blackboard& board = *opened;
  Workload workload;
  Courier courier;
  Heartbeat heartbeat;
  Reducer reducer;
  std::vector<Block> running;
  std::vector<std::string> said;
  int joins = 0;
};

/// What the board believes that the worker holds.
inline std::vector<Range> claims_of(const SimulatedRun& run, const SimulatedWorker& worker) {
  return run.with([&](test_support::FakeRun& r) { return r.workers.at(worker.session.identity().worker).held; });
}

}  // namespace stint::support
