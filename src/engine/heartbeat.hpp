// SPDX-License-Identifier: Apache-2.0
// Renews this worker's lease, and watches others: the leader watches all workers, the others watch the leader. It gives up
// a worker whose number has not changed for a lease on this rank's steady clock, over one unbroken connection and several
// own heartbeats. It also watches the run: without progress on any rank for --stall-timeout, this rank says what it waits
// for, and ends. Called by the heartbeat thread of worker.cpp, or by a simulation; BoardLost passes through step().
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
  double lease = 10;            ///< seconds, as the user set it: see policy::lease_seconds
  double stall_timeout = 600;   ///< seconds without progress on any rank before this rank ends; 0: never
  bool chunks_must_end = false; ///< a chunk counts as progress only when it ends
  /// Whether this rank computes a chunk, or is in a step of the job.
  std::function<bool()> computes = [] { return false; };
  /// The chunk that this rank has computed for the longest time, and when it started, on the clock.
  std::function<std::optional<std::pair<std::uint64_t, double>>()> oldest_chunk = [] { return std::nullopt; };
  /// JSON: the activity of this rank, see Workload::at_work.
  std::function<std::string()> at_work = [] { return std::string(); };
};

class Heartbeat {
 public:
  Heartbeat(Session& session, Blackboard& board, const Clock& clock, HeartbeatOptions options, Whereabouts here);

  /// Sends one heartbeat; returns the seconds until the next.
  double step();
  /// The connection broke: observations from before do not count.
  void forget() {
    seen_.clear();
    moved_at_ = -1;
  }

 private:
  struct Seen {
    std::uint64_t beat = 0;
    double since = 0;
    int own_beats = 0;  // own heartbeats since then
    bool asked = false; // whether its process was looked up
    Blame blame = Blame::none;
  };
  void watch(const std::map<std::string, std::uint64_t>& beats, double now, std::uint64_t generation);
  void give_up(const std::string& worker, std::uint64_t generation, std::optional<std::uint64_t> beat, Blame blame,
               const std::string& why);
  /// `all`: the JSON of all workers; read from the board if needed and empty.
  [[nodiscard]] Blame blame_of(const std::string& who, std::map<std::string, std::string>& all) const;
  void watch_progress(const Renewed& renewed, double now);
  void warn_of_long_chunks(double now);

  Session& session_;
  Blackboard& board_;
  const Clock& clock_;
  const HeartbeatOptions options_;
  const Whereabouts here_;
  std::map<std::string, Seen> seen_;
  std::string beating_;                    // the worker id of the last heartbeat
  int beats_ = 0;                          // heartbeats under that id
  double patience_ = 0;                    // seconds: the longest lease that another worker may still use
  double patient_until_ = 0;               // on the clock
  std::vector<std::uint64_t> last_signs_;  // of progress
  double moved_at_ = -1;                   // when they last changed; -1: no signs seen yet
  double warn_at_ = 0;                     // seconds after which a chunk is reported as long
  std::uint64_t warned_of_ = ~std::uint64_t{0};
};

/// Gives up the workers of the run that are known to be gone; returns their number.
int reap_known_gone(Blackboard& board, std::uint64_t generation, const Whereabouts& here);

}  // namespace stint
