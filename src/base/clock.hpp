// SPDX-License-Identifier: Apache-2.0
// Time as the engine sees it: seconds that only grow. Tests use their own.
#pragma once

#include <chrono>

namespace stint {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Seconds since some fixed moment; never goes back.
  [[nodiscard]] virtual double now() const = 0;
};

class SteadyClock final : public Clock {
 public:
  [[nodiscard]] double now() const override {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
};

/// Seconds since the epoch: for people, and for comparison with other hosts; may jump.
inline double unix_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace stint
