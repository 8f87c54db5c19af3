// SPDX-License-Identifier: Apache-2.0
#include "engine/heartbeat.hpp"

#include "base/program.hpp"
#include "engine/policy.hpp"

#include <algorithm>
#include <cstdio>

namespace stint {

namespace {

constexpr double first_warning_seconds = 600;  // of a running chunk

bool alone_in_its_world(const std::string& json, const std::map<std::string, std::string>& who) {
  const auto world = world_of(json);
  return std::ranges::count_if(who, [&](const auto& each) { return world_of(each.second) == world; }) == 1;
}

}  // namespace

Heartbeat::Heartbeat(Session& session, Blackboard& board, const Clock& clock, HeartbeatOptions options,
                     Whereabouts here)
    : session_(session),
      board_(board),
      clock_(clock),
      options_(std::move(options)),
      here_(std::move(here)) {}

double Heartbeat::step() {
  if (session_.fenced) return 0.05;  // the courier is about to join again
  const auto [worker, generation] = session_.identity();
  const auto renewed = board_.renew(worker, generation, options_.computes(), options_.at_work());
  if (session_.ended_by(renewed.refusal)) return 0;
  if (renewed.refusal == Refusal::fenced) {
    session_.fence(worker);
    return 0.05;
  }
  session_.expect_chunks(renewed.state.chunks);
  session_.set_leader(renewed.leader);
  session_.progress.workers = renewed.state.workers;  // ranks pace their requests by it
  session_.heed(renewed.halt);
  // A worker whose last heartbeat saw more workers may be silent for the longer lease of that time.
  const double lease = policy::lease_seconds(options_.lease, renewed.state.workers);
  if (lease >= patience_ || clock_.now() > patient_until_) {
    patience_ = lease;
    patient_until_ = clock_.now() + lease;
  }
  if (worker != beating_) {
    beating_ = worker;
    beats_ = 0;
  }
  watch_progress(renewed, clock_.now());
  warn_of_long_chunks(clock_.now());
  const auto seconds = policy::next_heartbeat_seconds(policy::heartbeat_seconds(lease, renewed.state.workers), beats_);
  if (beats_++ > 0 && policy::is_early_beat(beats_ - 1)) return seconds;  // after so short a time silence means nothing
  if (renewed.leader == worker) {
    watch(renewed.beats, clock_.now(), generation);
  } else {
    watch({{renewed.leader, renewed.leader_beat}}, clock_.now(), generation);
  }
  return seconds;
}

void Heartbeat::watch(const std::map<std::string, std::uint64_t>& beats, double now, std::uint64_t generation) {
  std::erase_if(seen_, [&](const auto& item) { return !beats.contains(item.first); });
  const auto own = session_.identity().worker;
  for (const auto& [worker, beat] : beats) {
    if (worker == own) continue;
    auto& seen = seen_[worker];
    if (seen.beat != beat || seen.since == 0) {
      seen = {beat, now, 0, false};
      continue;
    }
    seen.own_beats += 1;
    if (seen.asked && seen.own_beats >= 3 && now - seen.since > patience_) {
      give_up(worker, generation, beat, seen.blame, "silent for a lease");
    }
  }
  // Look up each silent worker once: a process that is gone on this host need not be waited for. One at a time, not the
  // list: when the leader is silent, every rank looks.
  std::map<std::string, std::string> all;  // read when it is first needed
  for (auto& [worker, seen] : seen_) {
    if (seen.own_beats < 2 || seen.asked) continue;
    const auto who = board_.who(worker);
    seen.blame = who ? blame_of(*who, all) : Blame::none;
    seen.asked = true;
    if (who && known_gone(*who, here_)) {
      give_up(worker, generation, std::nullopt, seen.blame, "its process is gone");
    }
  }
}

void Heartbeat::give_up(const std::string& worker, std::uint64_t generation, std::optional<std::uint64_t> beat,
                        Blame blame, const std::string& why) {
  if (board_.reap(generation, worker, beat, blame) == Refusal::none) {
    session_.say("lost " + worker + ": " + why + "; its chunks are computed elsewhere");
    session_.courier.notify();
  }
}

// A rank that dies alone may have died of its chunk. When a whole world dies, the cause is something else. For a world of
// one rank nothing is known; that this rank outlived it speaks against the chunk.
Blame Heartbeat::blame_of(const std::string& who, std::map<std::string, std::string>& all) const {
  if (world_of(who) == here_.world) return Blame::charged;
  if (all.empty()) all = board_.workers();
  return alone_in_its_world(who, all) ? Blame::charged : Blame::none;
}

void Heartbeat::watch_progress(const Renewed& renewed, double now) {
  std::vector<std::uint64_t> signs{renewed.state.done, renewed.state.failed, renewed.state.computed, renewed.failures,
                                   renewed.state.reaped};
  if (!options_.chunks_must_end) signs.push_back(renewed.active);
  if (signs != last_signs_ || moved_at_ < 0 || session_.drain) {
    last_signs_ = std::move(signs);
    moved_at_ = now;
    return;
  }
  if (options_.stall_timeout <= 0 || now - moved_at_ < options_.stall_timeout) return;
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%g", options_.stall_timeout);
  const auto& state = renewed.state;
  std::string line = std::string("no progress anywhere for ") + seconds + " s: " + std::to_string(state.done) + " of " +
                     std::to_string(state.chunks) + " chunks are done, " + std::to_string(state.failed) + " failed, " +
                     std::to_string(state.workers) + " workers are there, " + renewed.leader + " leads; this rank ";
  if (const auto oldest = options_.oldest_chunk()) {
    line += "has been computing chunk " + std::to_string(oldest->first) + " for " +
            std::to_string(static_cast<long>(now - oldest->second)) + " s";
  } else if (session_.progress.finishing) {
    line += "merges and finishes the result";
  } else {
    line += "waits for work";
  }
  session_.end({Outcome::Kind::failed, Exit::interrupted,
                line + "; " + typed("explain last CHUNK") + " says where a chunk is; the same command continues"});
}

// A chunk may not hang in silence, even without a timeout.
void Heartbeat::warn_of_long_chunks(double now) {
  const auto oldest = options_.oldest_chunk();
  if (!oldest) return;
  if (oldest->first != warned_of_) warn_at_ = first_warning_seconds;
  const double seconds = now - oldest->second;
  if (seconds < warn_at_) return;
  session_.say("chunk " + std::to_string(oldest->first) + " has been computed on " + here_.host + " for " +
               std::to_string(static_cast<long>(seconds / 60)) + " min; --chunk-timeout would end it");
  warned_of_ = oldest->first;
  warn_at_ = 2 * seconds;
}

int reap_known_gone(Blackboard& board, std::uint64_t generation, const Whereabouts& here) {
  int count = 0;
  const auto who = board.workers();
  for (const auto& [worker, json] : who) {
    if (!known_gone(json, here)) continue;
    // No rank saw a rank that was alone in its world die. Its chunk may be the cause, so that chunk must not be the first
    // again.
    const auto blame = alone_in_its_world(json, who) ? Blame::suspect : Blame::none;
    if (board.reap(generation, worker, std::nullopt, blame) == Refusal::none) count += 1;
  }
  return count;
}

}  // namespace stint
