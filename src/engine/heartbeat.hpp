// SPDX-License-Identifier: Apache-2.0
// Keeps this worker's lease, and watches others: the leader all workers, everyone the leader. A worker whose number has
// not changed for a lease on our own steady clock, over one unbroken connection and several heartbeats of our own, is
// given up. Called by the heartbeat thread of worker.cpp, or by a simulation; BoardLost passes through step().
#pragma once

#include "base/clock.hpp"
#include "engine/session.hpp"
#include "engine/whereabouts.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace stint {

class Heartbeat {
 public:
  Heartbeat(Session& session, Blackboard& board, const Clock& clock, double lease, Whereabouts here);

  /// One heartbeat; returns the seconds until the next.
  double step();
  /// The connection broke: what was seen before does not count.
  void forget() { seen_.clear(); }

 private:
  struct Seen {
    std::uint64_t beat = 0;
    double since = 0;
    int own_beats = 0;  // heartbeats of ours since then
    bool asked = false; // whether its process is still there
  };
  void watch(const std::map<std::string, std::uint64_t>& beats, double now, std::uint64_t generation);
  void give_up(const std::string& worker, std::uint64_t generation, std::optional<std::uint64_t> beat,
               const std::string& why);

  Session& session_;
  Blackboard& board_;
  const Clock& clock_;
  const double lease_;
  const Whereabouts here_;
  std::map<std::string, Seen> seen_;
};

/// Gives up the workers of the run that are certainly gone; returns how many there were.
int reap_known_gone(Blackboard& board, std::uint64_t generation, const Whereabouts& here);

}  // namespace stint
