// SPDX-License-Identifier: Apache-2.0
#include "engine/heartbeat.hpp"

#include <algorithm>

namespace stint {

Heartbeat::Heartbeat(Session& session, Blackboard& board, const Clock& clock, double lease, Whereabouts here)
    : session_(session), board_(board), clock_(clock), lease_(lease), here_(std::move(here)) {}

double Heartbeat::step() {
  const double interval = std::max(0.05, lease_ / 5);
  if (session_.fenced) return 0.05;  // the courier is about to join anew
  const auto [worker, generation] = session_.identity();
  const auto renewed = board_.renew(worker, generation, false);
  if (session_.ended_by(renewed.refusal)) return 0;
  if (renewed.refusal == Refusal::fenced) {
    session_.log("given up by the others; joining anew");
    session_.fence(worker);
    return 0.05;
  }
  session_.set_leader(renewed.leader);
  session_.progress.workers = renewed.state.workers;  // by which everybody paces its requests
  if (renewed.leader == worker) {
    watch(renewed.beats, clock_.now(), generation);
  } else {
    watch({{renewed.leader, renewed.leader_beat}}, clock_.now(), generation);
  }
  return interval;
}

void Heartbeat::watch(const std::map<std::string, std::uint64_t>& beats, double now, std::uint64_t generation) {
  std::erase_if(seen_, [&](const auto& item) { return !beats.contains(item.first); });
  const auto own = session_.identity().worker;
  bool silent = false;
  for (const auto& [worker, beat] : beats) {
    if (worker == own) continue;
    auto& seen = seen_[worker];
    if (seen.beat != beat || seen.since == 0) {
      seen = {beat, now, 0, false};
      continue;
    }
    seen.own_beats += 1;
    if (seen.own_beats >= 3 && now - seen.since > lease_) {
      give_up(worker, generation, beat, "silent for a lease");
    } else if (seen.own_beats >= 2 && !seen.asked) {
      silent = true;
    }
  }
  if (!silent) return;
  // One look at who they are: a process that is gone on this host need not be waited for.
  const auto who = board_.workers();
  for (auto& [worker, seen] : seen_) {
    if (seen.own_beats < 2 || seen.asked) continue;
    seen.asked = true;
    const auto found = who.find(worker);
    if (found != who.end() && known_gone(found->second, here_)) {
      give_up(worker, generation, std::nullopt, "its process is gone");
    }
  }
}

void Heartbeat::give_up(const std::string& worker, std::uint64_t generation, std::optional<std::uint64_t> beat,
                        const std::string& why) {
  if (board_.reap(generation, worker, beat, false) == Refusal::none) {
    session_.say("lost " + worker + ": " + why + "; its chunks are computed elsewhere");
    session_.courier.notify();
  }
}

int reap_known_gone(Blackboard& board, std::uint64_t generation, const Whereabouts& here) {
  int count = 0;
  for (const auto& [worker, who] : board.workers()) {
    if (known_gone(who, here) && board.reap(generation, worker, std::nullopt, false) == Refusal::none) count += 1;
  }
  return count;
}

}  // namespace stint
