// SPDX-License-Identifier: Apache-2.0
#include "engine/courier.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>

namespace stint {
namespace {

constexpr std::size_t entries_a_commit = 512;
constexpr std::size_t bytes_a_commit = std::size_t{32} << 20;
constexpr std::uint64_t chunks_a_commit = Workload::largest_node_chunks;  // Redis holds their bits several times over
constexpr double slow_trip_seconds = 0.01;  // of a round trip: beyond it the board is busy
constexpr double gather_seconds = 0.01;  // at the end of a run, results that end together are committed together

Error partial_too_large(const Node& node, std::size_t bytes, std::uint64_t limit) {
  const std::string chunks = node.size() == 1 ? "chunk " + std::to_string(node.first())
                                              : "chunks " + std::to_string(node.first()) + " to " + std::to_string(node.last() - 1);
  return {Exit::usage, "the partial of " + chunks + " has " + std::to_string(bytes) + " bytes, --partial-limit allows " +
                           std::to_string(limit) + "; " +
                           (node.size() == 1 ? "make chunks smaller, or raise --partial-limit"
                                             : "what reduce makes of several chunks grows with them: raise --partial-limit")};
}

}  // namespace

Courier::Courier(Session& session, Workload& workload, Blackboard& board, const Clock& clock, CourierOptions options,
                 std::function<std::string(const Node&, const Hidden&)> encode, std::function<void()> rejoin)
    : session_(session),
      workload_(workload),
      board_(board),
      clock_(clock),
      options_(std::move(options)),
      encode_(std::move(encode)),
      rejoin_(std::move(rejoin)),
      random_(options_.seed) {}

Caller Courier::caller(const std::vector<Node>& but) {
  auto [worker, generation] = session_.identity();
  return {std::move(worker), generation, ++number_, workload_.held(but), workload_.rate()};
}

// True: the step ends here.
bool Courier::refused(Refusal refusal) {
  if (session_.ended_by(refusal)) return true;
  if (refusal == Refusal::fenced) session_.fenced = true;
  return refusal != Refusal::none;
}

// Whether this rank starts no more chunks.
bool Courier::ending() const { return session_.drain || session_.halt != Halt::none; }

// The time at which the waiting nodes are to be committed; infinite: none wait.
double Courier::commit_at() const {
  const auto since = workload_.waiting_since();
  if (!since) return std::numeric_limits<double>::infinity();
  if (ending() || full_) return *since;
  // Large partials take long to send: spend at most a tenth of the time on that, except at the end. But a job with
  // side effects commits as soon as possible.
  const double hold = policy::commit_seconds(options_.commit_seconds, session_.progress.workers);
  const double at = *since + (workload_.tell_first_node ? hold : std::max(hold, 10 * price_.whole));
  const auto demand = workload_.demand();
  if (!starved_ || demand.ready_chunks > 0) return at;
  return demand.running == 0 ? *since : std::min(at, *since + std::max(gather_seconds, price_.whole));
}

// Encodes as many nodes as the board can take at once.
void Courier::encode_portion() {
  const bool leading = session_.leading();
  std::size_t bytes = 0;
  std::uint64_t chunks = 0;
  while (!collected_.empty() && pending_.size() < entries_a_commit && bytes < bytes_a_commit &&
         (pending_.empty() || chunks + collected_.back().first.size() <= chunks_a_commit)) {
    auto& [node, partial] = collected_.back();
    pending_.push_back({node, encode_(node, *partial)});
    const auto size = pending_.back().frame.size();
    if (size > options_.partial_limit) throw partial_too_large(node, size, options_.partial_limit);
    bytes += size;
    chunks += node.size();
    // Keep it before it is on the board: else the reducer may read it there first, and this copy would never be taken.
    if (leading) workload_.keep(node, std::move(partial));
    collected_.pop_back();
  }
}

void Courier::note_price() {
  const Price price{portions_seconds_, portions_seconds_ / static_cast<double>(std::max<std::size_t>(portions_nodes_, 1))};
  const bool first = last_price_.whole <= 0;
  price_ = first ? price : Price{std::min(price.whole, last_price_.whole), std::min(price.node, last_price_.node)};
  last_price_ = price;
}

void Courier::commit() {
  const double begun = clock_.now();
  if (pending_.empty() && collected_.empty()) {
    auto taken = workload_.collect();
    collected_ = std::move(taken.nodes);
    pending_work_ = taken.work;
    portions_seconds_ = 0;
    portions_nodes_ = 0;
  }
  if (pending_.empty()) encode_portion();
  std::vector<Node> nodes;
  for (const auto& entry : pending_) nodes.push_back(entry.node);
  const auto committed = board_.commit(caller(nodes), pending_work_, pending_);
  pending_work_ = {};
  session_.progress.commits += 1;
  // Cannot happen while the courier counts its requests; if it does, the nodes are sent again.
  if (committed.refusal == Refusal::stale) return;
  pending_.clear();
  portions_seconds_ += clock_.now() - begun;
  portions_nodes_ += nodes.size();
  if (collected_.empty()) note_price();
  workload_.committed(nodes);
  for (const auto& node : committed.refused) workload_.take_kept(node);
  for (const auto& node : committed.differing) {
    session_.say("chunks " + std::to_string(node.first()) + " to " + std::to_string(node.last() - 1) +
                 " were computed twice with different bytes; the first result counts, but the job is not deterministic "
                 "(--check N looks for such chunks)");
  }
  if (refused(committed.refusal)) return;
  session_.progress.done = committed.done;
  session_.progress.failed = committed.failed;
  session_.heed(committed.halt);
  session_.reducer.notify();
}

void Courier::tell_failure(const ChunkFailure& failure) {
  const auto failed = board_.fail(caller({Node{0, failure.chunk}}), {failure.chunk, failure.error, false, failure.detail},
                                  policy::retry_seconds(failure.attempt));
  workload_.failure_told(failure.chunk);
  session_.heed(failed.halt);
  if (refused(failed.refusal) || !failed.counted) return;
  if (failed.benched) {
    session_.say(options_.host + " gets no more work: its chunks fail while those of other hosts do not: " + failure.error);
    return;
  }
  const std::string line = "chunk " + std::to_string(failure.chunk) + " failed on " + options_.host + " (attempt " +
                           std::to_string(failed.attempts) + (failed.for_good ? ", the last" : "") +
                           "): " + failure.error;
  if (failed.first) session_.say(line);
  session_.log(line);
}

void Courier::claim(double now) {
  const auto demand = workload_.demand();
  ClaimWish wish;
  const auto workers = session_.progress.workers.load();
  wish.cost = policy::claim_cost(policy::claim_seconds(workers), workload_.rate(), last_cost_);
  wish.least = static_cast<std::uint64_t>(std::max(1, demand.threads - demand.running));
  wish.least_steal = policy::least_steal_seconds(round_trip_, price_.node);
  wish.lease = options_.lease;
  wish.steal = options_.steal;
  if (options_.copies && misses_ > 2 && workload_.idle()) wish.copy_after = policy::copy_seconds(options_.lease);
  const auto claimed = board_.claim(caller(), wish);
  const double took = clock_.now() - now;
  round_trip_ += 0.2 * (std::min(took, 0.05) - round_trip_);
  workload_.set_low_water(policy::ahead_seconds(round_trip_));
  session_.progress.claims += 1;
  full_ = claimed.refusal == Refusal::full;
  if (!full_ && refused(claimed.refusal)) return;
  session_.progress.done = claimed.done;
  session_.progress.failed = claimed.failed;
  session_.heed(claimed.halt);
  if (claimed.range) {
    if (const auto range = *claimed.range; range.empty() || range.last > session_.plan_chunks.value_or(range.last)) {
      throw session_.damaged("it hands out chunks " + std::to_string(range.first) + " to " + std::to_string(range.last) +
                             ", which its plan does not have");
    }
    if (session_.halt != Halt::none) {  // the board lost its last second, and the halt with it
      session_.go_on();
      let_go_ = false;
    }
    last_cost_ = workload_.cost(*claimed.range);
    workload_.add(*claimed.range, claimed.attempt, claimed.source == "copy");
    starved_ = false;
    misses_ = 0;
    next_claim_ = 0;
    return;
  }
  starved_ = !full_;
  if (starved_) session_.reducer.notify();
  const double random = std::uniform_real_distribution<>()(random_);
  next_claim_ = clock_.now() + policy::idle_seconds(full_ ? 30 : misses_++, workers, random);
}

// A chunk over the timeout has failed; its thread is lost, the others continue. Without any thread this rank leaves.
bool Courier::give_up_overdue() {
  if (options_.chunk_timeout <= 0) return false;
  auto failure = workload_.give_up_overdue(options_.chunk_timeout);
  if (!failure) return false;
  char limit[32];
  std::snprintf(limit, sizeof limit, "%g", options_.chunk_timeout);
  failure->error = std::string("it did not end within ") + limit + " s (--chunk-timeout)";
  workload_.add_failure(*failure);
  return true;
}

// The rank was asked to stop: it starts nothing, waits a while for running chunks, commits, and leaves the rest to others.
double Courier::drain(double now) {
  if (drains_since_ < 0) drains_since_ = now;
  const bool patient =
      now - drains_since_ < options_.grace && (options_.deadline <= 0 || now < options_.deadline - 1);
  if (!workload_.idle() && patient && workload_.threads() > 0) return 0.05;
  board_.leave(caller());
  const auto kind = workload_.threads() == 0 ? Outcome::Kind::left : Outcome::Kind::interrupted;
  session_.end({kind, Exit::interrupted, ""});
  return 0;
}

// A guest without work leaves. The leader never leaves: some rank must see the run to its end.
bool Courier::leave_if_idle(double now) {
  if (options_.leave_idle <= 0 || !workload_.idle() || !starved_ || session_.leading()) {
    idle_since_ = -1;
    return false;
  }
  if (idle_since_ < 0) idle_since_ = now;
  if (now - idle_since_ < options_.leave_idle) return false;
  board_.leave(caller());
  session_.end({Outcome::Kind::left, Exit::complete, ""});
  return true;
}

// The run ends before all is computed. The leader ends it once no worker holds a chunk; until then the courier asks the
// board now and then.
double Courier::halt(double now) {
  if (!workload_.idle()) return 0.05;
  if (!let_go_) {
    workload_.reset();  // blocks that were left half done
    board_.commit(caller(), {}, {});
    let_go_ = true;
  }
  if (now < next_claim_) return std::min(next_claim_ - now, 0.05);
  claim(now);
  return 0;
}

double Courier::step() {
  if (session_.fenced) {
    session_.log("given up by the others; joining anew");
    workload_.reset();
    collected_.clear();
    pending_.clear();
    rejoin_();
    number_ = 0;
    session_.fenced = false;
  }
  if (const auto failure = workload_.next_failure()) {
    // Commit earlier successes first: the board ends a run, and excludes a host, by the numbers of both that it knows.
    if (!sending() && !workload_.waiting_since()) {
      tell_failure(*failure);
    } else {
      commit();
    }
    return 0;
  }
  const double now = clock_.now();
  if (give_up_overdue()) return 0;
  if (options_.deadline > 0 && !session_.drain &&
      !policy::ends_in_time(workload_.demand().chunk_seconds, options_.deadline - now)) {
    session_.say("the time limit is near: nothing more is begun");
    session_.drain = true;
  }
  if (workload_.threads() == 0 && !session_.drain) {
    session_.say("every thread of this rank is lost to chunks without end; it leaves");
    session_.drain = true;
  }
  if (ending()) {
    session_.stop = true;
    workload_.trim(0);
  }
  const auto demand = workload_.demand();
  // A board with thousands of workers answers late: then an idle thread waits for one reply only, not also for that of a
  // commit.
  const bool idle = demand.ready_chunks == 0 && demand.running < demand.threads;
  if (idle && round_trip_ > slow_trip_seconds && !sending() && !ending() && !full_ && !starved_) {
    claim(now);
    return 0;
  }
  if (sending() || commit_at() <= now) {
    commit();
    return 0;
  }
  if (session_.drain) return drain(now);
  if (session_.halt != Halt::none) return halt(now);
  if (leave_if_idle(now)) return 0;
  // Chunks that take longer than expected go back to the own queue, where an idle rank can steal them.
  if (demand.ready_seconds > 4 * policy::claim_seconds(session_.progress.workers) && workload_.trim(0.2)) {
    board_.commit(caller(), {}, {});
    return 0;
  }
  if (policy::should_claim(demand, round_trip_)) {
    if (now >= next_claim_) {
      claim(now);
      return 0;
    }
    return std::min(next_claim_ - now, 0.01);
  }
  return std::clamp(commit_at() - now, 0.0, 0.2);
}

}  // namespace stint
