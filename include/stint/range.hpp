// SPDX-License-Identifier: Apache-2.0
// Consecutive numbers, `[first, last)`: of chunks, of points, of anything that a job counts.
#pragma once

#include <cstdint>

namespace stint {

struct Range {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  [[nodiscard]] constexpr std::uint64_t size() const { return last - first; }
  [[nodiscard]] constexpr bool empty() const { return last <= first; }
  friend constexpr bool operator==(const Range&, const Range&) = default;
};

}  // namespace stint
