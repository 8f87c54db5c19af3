// SPDX-License-Identifier: Apache-2.0
// The limits of the control groups (v1 and v2) of this process. Containers and batch systems set them, and
// neither sched_getaffinity nor /proc/meminfo shows them.
#pragma once

#include <cstdint>
#include <optional>

namespace stint {

struct GroupLimits {
  std::optional<double> cores;          ///< processor seconds a second
  std::optional<std::uint64_t> memory;  ///< bytes
  std::optional<std::uint64_t> tasks;   ///< processes and threads
};

/// The smallest limits of the groups that this process is in, up to the root.
GroupLimits group_limits();

}  // namespace stint
