// SPDX-License-Identifier: Apache-2.0
// What the control groups (v1 and v2) of this process allow it: containers and batch systems set these limits, and
// neither sched_getaffinity nor /proc/meminfo shows them.
#pragma once

#include <cstdint>
#include <optional>

namespace stint {

struct GroupLimits {
  std::optional<double> cores;          ///< processor time per time
  std::optional<std::uint64_t> memory;  ///< bytes
  std::optional<std::uint64_t> tasks;   ///< processes and threads
};

/// The smallest limits of the groups that this process is in, up to the root.
GroupLimits group_limits();

}  // namespace stint
