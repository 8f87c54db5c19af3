// SPDX-License-Identifier: Apache-2.0
// Keeps this worker's lease, and watches others: the leader all workers, everyone the leader. A worker whose number has
// not changed for a lease on our own steady clock, over one unbroken connection and several heartbeats of our own, is
// given up. Watches the run, too: when nothing has happened anywhere for --stall-timeout, this rank says what it waits
// for and ends. Called by the heartbeat thread of worker.cpp, or by a simulation; BoardLost passes through step().
#pragma once

#include "base/clock.hpp"
#include "engine/session.hpp"
#include "engine/whereabouts.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace stint {

struct HeartbeatOptions {
  double lease = 10;            ///< seconds, as wished: see policy::lease_seconds
  double stall_timeout = 600;   ///< seconds without any progress anywhere before this rank ends; 0: never
  bool chunks_must_end = false; ///< a chunk at work is no progress as long as it does not end
  /// Whether a chunk or a step of the job is at work here.
  std::function<bool()> computes = [] { return false; };
  /// The chunk that has been computed here for the longest time, and since when on the clock.
  std::function<std::optional<std::pair<std::uint64_t, double>>()> oldest_chunk = [] { return std::nullopt; };
  /// JSON: what this rank tells about itself, see Workload::at_work.
  std::function<std::string()> at_work = [] { return std::string(); };
};

class Heartbeat {
 public:
  Heartbeat(Session& session, Blackboard& board, const Clock& clock, HeartbeatOptions options, Whereabouts here);

  /// One heartbeat; returns the seconds until the next.
  double step();
  /// The connection broke: what was seen before does not count.
  void forget() {
    seen_.clear();
    moved_at_ = -1;
  }

 private:
  struct Seen {
    std::uint64_t beat = 0;
    double since = 0;
    int own_beats = 0;  // heartbeats of ours since then
    bool asked = false; // whether its process is still there
    Blame blame = Blame::none;
  };
  void watch(const std::map<std::string, std::uint64_t>& beats, double now, std::uint64_t generation);
  void give_up(const std::string& worker, std::uint64_t generation, std::optional<std::uint64_t> beat, Blame blame,
               const std::string& why);
  /// `all`: who all workers are; read if it is empty and needed.
  [[nodiscard]] Blame blame_of(const std::string& who, std::map<std::string, std::string>& all) const;
  void watch_progress(const Renewed& renewed, double now);
  void warn_of_long_chunks(double now);

  Session& session_;
  Blackboard& board_;
  const Clock& clock_;
  const HeartbeatOptions options_;
  const Whereabouts here_;
  std::map<std::string, Seen> seen_;
  std::string beating_;                    // the worker that we have been
  int beats_ = 0;                          // as that one
  double patience_ = 0;                    // seconds: the lease that others may have in mind
  double patient_until_ = 0;               // on the clock
  std::vector<std::uint64_t> last_signs_;  // of progress
  double moved_at_ = -1;                   // when they last changed; -1: not seen yet
  double warn_at_ = 0;                     // seconds of a chunk after which it is told
  std::uint64_t warned_of_ = ~std::uint64_t{0};
};

/// Gives up the workers of the run that are certainly gone; returns how many there were.
int reap_known_gone(Blackboard& board, std::uint64_t generation, const Whereabouts& here);

}  // namespace stint
