// SPDX-License-Identifier: Apache-2.0
#include "engine/reducer.hpp"

#include "engine/crash_report.hpp"
#include "engine/policy.hpp"

#include <stint/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <limits>

namespace stint {
namespace {

// During its lifetime, the heartbeat reports that this rank computes, and a crash report names the step.
class InJobStep {
 public:
  InJobStep(Session& session, const char* step) : step_(step), flag_(session.in_job_step) { flag_ = true; }
  ~InJobStep() { flag_ = false; }
  InJobStep(const InJobStep&) = delete;
  InJobStep& operator=(const InJobStep&) = delete;

 private:
  JobStep step_;
  std::atomic<bool>& flag_;
};

constexpr double check_seconds = 5;
constexpr int most_misfits = 12;   // with the pauses between them some three seconds, and a repair before each
constexpr int most_rejections = 8;  // of one node: more often its bytes are not damaged by chance
constexpr std::size_t names_a_fold = 4096;
constexpr std::uint64_t bytes_a_read = std::uint64_t{32} << 20;  // about; bounds the memory of both sides

// Whether the nodes, from left to right, and the failed chunks cover [0, chunks), each chunk once.
template <class Nodes>
bool covers(const Nodes& nodes, const std::map<std::uint64_t, std::string>& failed, std::uint64_t chunks) {
  std::uint64_t at = 0;
  auto next_failed = failed.begin();
  const auto failed_up_to = [&](std::uint64_t border) {
    for (; at < border && next_failed != failed.end() && next_failed->first == at; ++next_failed) ++at;
    return at == border;
  };
  for (const auto& [node, merged] : nodes) {
    if (!failed_up_to(node.first())) return false;
    at = node.last();
  }
  return failed_up_to(chunks) && next_failed == failed.end();
}

}  // namespace

Reducer::Reducer(Session& session, const AnyJob& job, Blackboard& board, const Clock& clock, Finisher finisher,
                 ReducerOptions options)
    : session_(session),
      job_(job),
      board_(board),
      clock_(clock),
      finisher_(std::move(finisher)),
      options_(options),
      next_fold_(clock.now() + options.fold_seconds) {}

void Reducer::forget() {
  merged_.clear();
  known_.clear();
  seen_done_ = ~std::uint64_t{0};
  seen_failed_ = 0;
  next_check_ = 0;
}

// The keys on the board do not fit together, or have changed while they were read: reads all again, after a repair, a
// bounded number of times. Returns the seconds until then.
double Reducer::does_not_fit() {
  forget();
  if (++misfits_ > most_misfits) throw session_.damaged("its nodes, counts and failed chunks do not fit together");
  return std::min(0.5, 0.001 * std::exp2(misfits_));
}

// Compares the keys on the board when a leader starts, and when nothing has moved for a while: the server may have lost
// some of them. True: something was repaired.
bool Reducer::check(const RunState& state) {
  const double now = clock_.now();
  // Thousands of workers in step all hold their results for longer than check_seconds.
  const double patience = policy::commit_seconds(check_seconds, state.workers);
  if (next_check_ > 0 && (now < next_check_ || state.done != checked_done_)) {
    if (state.done != checked_done_) next_check_ = now + patience;
    checked_done_ = state.done;
    return false;
  }
  next_check_ = now + patience;
  checked_done_ = state.done;
  const auto [refusal, mended] = board_.mend(session_.identity().worker, state.generation);
  if (refusal == Refusal::stale) misfits_ = 0;  // another rank leads by now; the next heartbeat will report it
  if (session_.ended_by(refusal) || !mended) return false;
  session_.say("the blackboard had lost some of what was on it, and is mended; some chunks may be computed again");
  session_.courier.notify();
  return true;
}

void Reducer::merge_in(Node node, Merged merged) {
  for (auto sibling = merged_.find(node.sibling()); sibling != merged_.end();
       sibling = merged_.find(node.sibling())) {
    Merged left = node.is_left() ? std::move(merged) : std::move(sibling->second);
    Merged right = node.is_left() ? std::move(sibling->second) : std::move(merged);
    merged_.erase(sibling);
    const InJobStep step(session_, "reduce");
    job_.reduce(*left.partial, std::move(right.partial));
    left.made_of.insert(left.made_of.end(), right.made_of.begin(), right.made_of.end());
    merged = std::move(left);
    node = node.parent();
  }
  merged_.emplace(node, std::move(merged));
}

void Reducer::take(const Node& name, Partial partial) {
  known_.insert(name);
  if (finisher_.follow) {
    const InJobStep step(session_, "follow");
    finisher_.follow(name.range(), *partial);
  }
  merge_in(name, {std::move(partial), {name}});
}

// Reads all failures at once, so not at each new failure.
void Reducer::follow_failures(const RunState& state, bool complete) {
  if (!finisher_.follow_failures || state.failed == seen_failed_) return;
  if (!complete && clock_.now() < next_failures_) return;
  const double begun = clock_.now();
  const auto failures = board_.failures();
  const InJobStep step(session_, "follow");
  finisher_.follow_failures(failures);
  seen_failed_ = state.failed;
  next_failures_ = clock_.now() + std::max(0.1, 10 * (clock_.now() - begun));
}

// False: the memory no longer fits the board; or some nodes could not be read, and were rejected (`rejected`).
bool Reducer::read_new_nodes(const RunState& state, bool& rejected) {
  const auto names = board_.nodes();
  std::vector<Node> missing;
  std::size_t still_there = 0;
  for (const auto& name : names) {
    if (name.last() > state.chunks) return false;
    if (known_.contains(name)) {
      still_there += 1;
    } else {
      auto own = finisher_.own(name);
      if (own) {
        still_there += 1;
        take(name, std::move(own));
      } else {
        missing.push_back(name);
      }
    }
  }
  if (still_there != known_.size()) return false;
  // Few if nodes are large; many if they are small: with many ranks thousands of them come each second.
  const auto mean_bytes = static_cast<std::uint64_t>(state.number("node_bytes", bytes_a_read)) / std::max<std::size_t>(names.size(), 1) + 1;
  const auto names_a_read = static_cast<std::size_t>(std::clamp<std::uint64_t>(bytes_a_read / mean_bytes, 64, 4096));
  std::sort(missing.begin(), missing.end(), [](const Node& a, const Node& b) { return a.first() < b.first(); });
  for (std::size_t from = 0; from < missing.size(); from += names_a_read) {
    const std::vector<Node> portion(missing.begin() + static_cast<std::ptrdiff_t>(from),
                                    missing.begin() + static_cast<std::ptrdiff_t>(
                                                          std::min(from + names_a_read, missing.size())));
    auto frames = board_.frames(portion);
    for (std::size_t i = 0; i < portion.size(); ++i) {
      if (frames[i].empty()) return false;
      Partial partial;
      try {
        partial = finisher_.decode(portion[i], frames[i]);
      } catch (const std::exception& error) {
        session_.say("the stored partial of chunks " + std::to_string(portion[i].first()) + " to " +
                     std::to_string(portion[i].last() - 1) + " cannot be read (" + error.what() +
                     "); these chunks are computed again");
        if (++rejected_[portion[i]] > most_rejections) {
          throw session_.damaged("the partial of chunks " + std::to_string(portion[i].first()) + " to " +
                                 std::to_string(portion[i].last() - 1) + " was computed again " +
                                 std::to_string(most_rejections) + " times, and still cannot be read: " + error.what());
        }
        session_.ended_by(board_.reject(state.generation, portion[i], frames[i]));
        session_.courier.notify();
        rejected = true;
        continue;
      }
      std::string().swap(frames[i]);
      take(portion[i], std::move(partial));
    }
  }
  return !rejected;
}

std::size_t Reducer::foldable() const {
  std::size_t names = 0;
  for (const auto& [node, merged] : merged_) names += merged.made_of.size() > 1 ? merged.made_of.size() : 0;
  return names;
}

// False: the board refused.
bool Reducer::fold(const RunState& state) {
  std::vector<Node> removed;
  std::vector<Entry> put;
  const double begun = clock_.now();
  std::size_t bytes = 0;
  for (const auto& [node, merged] : merged_) {
    if (merged.made_of.size() < 2 || bytes > (std::size_t{64} << 20) || removed.size() >= names_a_fold) continue;
    put.push_back({node, finisher_.encode(node, *merged.partial)});
    bytes += put.back().frame.size();
    removed.insert(removed.end(), merged.made_of.begin(), merged.made_of.end());
  }
  // The board is full of nodes that cannot be merged, since chunks between them are missing: raise the limit.
  const bool lift = removed.empty();
  if (lift) session_.log("many nodes wait for missing chunks; raising the limit");
  const auto refusal = board_.fold(session_.identity().worker, state.generation, removed, put, lift);
  if (session_.ended_by(refusal)) return false;
  if (refusal != Refusal::none) {
    forget();
    return false;
  }
  for (const auto& node : removed) known_.erase(node);
  for (const auto& entry : put) {
    known_.insert(entry.node);
    merged_[entry.node].made_of = {entry.node};
  }
  next_fold_ = clock_.now() + std::max(options_.fold_seconds, 20 * (clock_.now() - begun));
  return true;
}

// Returns the seconds until the next step.
double Reducer::finish(const RunState& state) {
  session_.progress.finishing = true;
  // All nodes from left to right; without failed chunks, these are the largest nodes of [0, N).
  std::vector<std::pair<Node, Merged>> nodes;
  while (!merged_.empty()) {
    auto node = merged_.extract(merged_.begin());
    nodes.emplace_back(node.key(), std::move(node.mapped()));
  }
  std::sort(nodes.begin(), nodes.end(), [](auto& a, auto& b) { return a.first.first() < b.first.first(); });
  if (!covers(nodes, state.failed > 0 ? board_.failures() : std::map<std::uint64_t, std::string>(), state.chunks)) {
    return does_not_fit();
  }
  Partial result = nodes.empty() ? job_.empty() : nullptr;
  Finish finish;
  for (auto& [node, merged] : nodes) {
    finish.used.insert(finish.used.end(), merged.made_of.begin(), merged.made_of.end());
    if (result) {
      const InJobStep step(session_, "reduce");
      job_.reduce(*result, std::move(merged.partial));
    } else {
      result = std::move(merged.partial);
    }
  }
  forget();  // the partials are in the result now
  finish.generation = state.generation;
  finish.worker = session_.identity().worker;
  finish.done = state.done;
  finish.failed = state.failed;
  if (result) {
    const InJobStep step(session_, "finish");
    finish.result = finisher_.encode_result(*result, state.done);
    finisher_.render(std::move(result), state);
  } else if (state.chunks == 0) {
    const std::string line = "the plan has no chunks, and the job has no empty() to say what that gives";
    board_.end(state.generation, static_cast<int>(Exit::usage), line);
    session_.end({Outcome::Kind::failed, Exit::usage, line});
    return 0;
  }
  finish.fields = finisher_.fields(state);
  const auto refusal = board_.finish(finish);
  if (refusal == Refusal::none) {
    session_.end({Outcome::Kind::finished, state.failed > 0 ? Exit::partial : Exit::complete, ""});
    return 0;
  }
  return session_.ended_by(refusal) ? 0 : does_not_fit();
}

// All running chunks have ended, and their results were shown: ends the run.
void Reducer::halt(const RunState& state) {
  auto halted = finisher_.halt(state);
  halted.generation = state.generation;
  halted.worker = session_.identity().worker;
  halted.done = state.done;
  halted.failed = state.failed;
  const auto refusal = board_.halt(halted);
  if (refusal == Refusal::none) {
    if (finisher_.follow_end) finisher_.follow_end();
    session_.end({Outcome::Kind::halted, static_cast<Exit>(halted.exit_code), halted.why});
  } else {
    session_.ended_by(refusal);
  }
}

double Reducer::step() {
  if (!session_.leading()) {
    forget();
    return 1;
  }
  const double begun = clock_.now();
  auto& progress = session_.progress;
  // Every commit wakes the reducer. If a step takes long, steps use at most a fifth of the time; except at the end.
  if (begun < next_look_ && progress.done + progress.failed < progress.chunks) return next_look_ - begun;
  const auto state = board_.state();
  if (!state || state->generation != session_.identity().generation) {
    session_.ended_by(Refusal::gone);
    return 0;
  }
  progress.chunks = state->chunks;
  progress.done = state->done;
  progress.failed = state->failed;
  progress.workers = state->workers;
  progress.steals = state->steals;
  progress.reaped = state->reaped;
  progress.again = state->again;
  progress.computed = state->computed;
  progress.busy_seconds = state->busy_seconds;
  progress.longest = state->number("longest");
  if (state->state != "running") {
    session_.ended_by(Refusal::ended);
    return 0;
  }
  session_.expect_chunks(state->chunks);
  if (check(*state)) {
    forget();
    next_check_ = clock_.now() + check_seconds;
    return 0;
  }
  const bool complete = state->done + state->failed == state->chunks;
  pause_ = std::min(0.1, pause_ * 1.3);
  try {
    if (state->done != seen_done_ || complete) {
      bool rejected = false;
      if (!read_new_nodes(*state, rejected)) {
        if (!rejected) return does_not_fit();
        forget();
        return 0.001;
      }
      if (!complete) misfits_ = 0;
      pause_ = 0.002;
      seen_done_ = state->done;
    }
    const bool halting = state->fields.contains("halting");
    follow_failures(*state, complete || halting);
    if (complete) {
      return finish(*state);
    }
    if (halting) {
      halt(*state);
      return 0.02;
    }
    constexpr double none = std::numeric_limits<double>::infinity();
    const bool full = static_cast<double>(known_.size()) >= state->number("node_limit", none) ||
                      state->number("node_bytes") >= state->number("byte_limit", none);
    // A fold keeps the board busy for some microseconds a node: prefer several short folds to a long one.
    bool good = true, folded = false;
    while (good && foldable() >= names_a_fold) good = folded = fold(*state);
    if (!folded && good && (full || (foldable() >= options_.fold_nodes && clock_.now() >= next_fold_))) fold(*state);
  } catch (const BoardLost&) {
    forget();
    throw;
  } catch (const Error&) {
    throw;
  } catch (const BadInput&) {
    throw;
  } catch (const DataLost&) {
    throw;
  } catch (const std::exception& error) {
    // The job's own reduce, follow or finish.
    const std::string line = "the job failed while merging or finishing: " + std::string(error.what());
    board_.end(state->generation, static_cast<int>(Exit::defect), line);
    session_.end({Outcome::Kind::failed, Exit::defect, line});
  }
  next_look_ = clock_.now() + 4 * (clock_.now() - begun);
  return pause_;
}

}  // namespace stint
