// SPDX-License-Identifier: Apache-2.0
// A run for users of `status` and `ls`: the state that follows from its counters and its ranks, and what each rank does. The
// board alone does not show whether ranks still compute a run: a world that is killed leaves it `running`. Only reads.
#pragma once

#include "blackboard/redis_blackboard.hpp"
#include "engine/whereabouts.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace stint {

struct ChunkAtWork {
  std::uint64_t chunk = 0;
  double seconds = 0;
  std::string what;  ///< the job's own words for what it does there
};

/// A rank that has joined the run, as of its last heartbeat.
struct WorkerView {
  std::string worker, host;
  int rank = 0;
  std::int64_t pid = 0;
  int threads = 0;
  bool guest = false;
  bool leads = false;
  double heartbeat_age = 0;   ///< seconds; below 0: not known
  bool lives = true;          ///< false: its process is gone, or it has been silent for a lease
  bool gone = false;          ///< it cannot come back: its process is gone, or, on another host, silent for at least a minute
  std::uint64_t done = 0;     ///< chunks that it has computed
  std::uint64_t running = 0;  ///< chunks that it computes now (blocks of them, if chunks are short)
  double oldest = 0;          ///< seconds of the oldest of these
  std::vector<ChunkAtWork> chunks = {};  ///< chunks running for long that have not ended since
};

struct RunView {
  RunState run;
  std::string state;  ///< see state_seen
  double now = 0;     ///< on the clock of the board, seconds since the epoch
  double heard = 0;   ///< time of the last heartbeat of any rank that joined and has not left; 0: not known
  std::vector<WorkerView> workers = {};  ///< of a run that is `running` on the board, including the dead

  [[nodiscard]] std::size_t living() const;
  /// The number of workers that are silent but not known to be gone: stopped, cut off, or asleep.
  [[nodiscard]] std::size_t silent() const;
  /// Seconds of the present call, or of the last one; below 0: not known.
  [[nodiscard]] double elapsed() const;
  /// The time of the last event of the run, seconds since the epoch.
  [[nodiscard]] double last_sign() const;
  /// Seconds of the oldest running chunk on a living rank; below 0: none has taken long.
  [[nodiscard]] double oldest() const;
  /// Chunks per second, done by that call; below 0: not known.
  [[nodiscard]] double rate() const;
};

/// running, interrupted (no rank computes it), halted (--halt ended it), cancelled, failed, partial or done. `anybody`: a
/// rank of the run lives, or its owner is about to join.
std::string state_seen(const RunState& run, bool anybody);
/// All these states, separated by commas.
extern const char* const states_seen;

/// `who`, `told`: the board's entries for this worker in the keys workers and at_work. `workers`: their number.
WorkerView worker_view(const std::string& worker, const std::string& who, const std::string& told, double now,
                       std::uint64_t workers, const Whereabouts& here);

/// Reads from the board what `state` lacks.
RunView look_at(RedisBlackboard& board, RunState state, const Whereabouts& here);

/// The JSON of a run in `ls --json`, and the beginning of `status --json`; docs/schemas/run.json. `what`: see what_ran.
nlohmann::ordered_json run_json(const RunView& view, const std::string& what);

}  // namespace stint
