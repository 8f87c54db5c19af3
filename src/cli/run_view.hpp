// SPDX-License-Identifier: Apache-2.0
// A run as a user sees who looks on: the state that its counters and its ranks amount to, and what each rank does. The
// board alone cannot say whether anybody still computes a run: a world that is killed leaves it `running`. Only reads.
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
  std::string what;  ///< what the job says that it does there
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
  bool gone = false;          ///< it cannot come back: its process is gone, or, on another host, silent for a minute as well
  std::uint64_t done = 0;     ///< chunks that it computed
  std::uint64_t running = 0;  ///< that it computes now (blocks of them, where chunks are short)
  double oldest = 0;          ///< seconds of the oldest of these
  std::vector<ChunkAtWork> chunks = {};  ///< those at work for long, that have not ended since
};

struct RunView {
  RunState run;
  std::string state;  ///< see state_seen
  double now = 0;     ///< on the clock of the board, seconds since the epoch
  double heard = 0;   ///< when the last heartbeat came of any rank that joined and has not left; 0: not known
  std::vector<WorkerView> workers = {};  ///< of a run that is `running` on the board; the dead among them, too

  [[nodiscard]] std::size_t living() const;
  /// Those that are silent and yet not gone: stopped, cut off, or asleep.
  [[nodiscard]] std::size_t silent() const;
  /// Seconds of the call that computes it, or of the last one; below 0: not known.
  [[nodiscard]] double elapsed() const;
  /// When anything last happened to it, seconds since the epoch.
  [[nodiscard]] double last_sign() const;
  /// Seconds that the oldest chunk at work has been there; below 0: none has for long.
  [[nodiscard]] double oldest() const;
  /// Chunks a second, done by that call; below 0: not known.
  [[nodiscard]] double rate() const;
};

/// running, interrupted (nobody computes it), halted (--halt ended it), cancelled, failed, partial or done. `anybody`: a
/// rank of the run lives, or its owner is about to join.
std::string state_seen(const RunState& run, bool anybody);
/// All of them, with commas.
extern const char* const states_seen;

/// `who`, `told`: what the board has of this worker in the keys workers and at_work. `others`: number of workers.
WorkerView worker_view(const std::string& worker, const std::string& who, const std::string& told, double now,
                       std::uint64_t workers, const Whereabouts& here);

/// Asks the board for what `state` lacks.
RunView look_at(RedisBlackboard& board, RunState state, const Whereabouts& here);

/// What `ls --json` says of a run, and `status --json` begins with; docs/schemas/run.json. `what`: see what_ran.
nlohmann::ordered_json run_json(const RunView& view, const std::string& what);

}  // namespace stint
