// SPDX-License-Identifier: Apache-2.0
// The kernel's facts about a process on this host: /proc/PID/stat.
#pragma once

#include <cstdint>
#include <optional>

namespace stint {

struct ProcessStat {
  char state = '?';         ///< Z: it has ended, and its parent has not asked for its exit code
  std::int64_t parent = 0;  ///< pid
  std::uint64_t start = 0;  ///< clock ticks since boot; together with the pid unique in this boot
};

/// None: there is no such process.
std::optional<ProcessStat> process_stat(std::int64_t pid);

}  // namespace stint
