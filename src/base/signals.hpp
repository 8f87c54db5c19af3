// SPDX-License-Identifier: Apache-2.0
// Signals that a thread can wait for: the handler only writes the number into a pipe, and one thread reads it in an ordinary
// context, where it may lock and print. A signal that comes before the wait is kept. Processes that are started meanwhile get
// the default action. At most one object at a time in a process.
#pragma once

#include "base/unique_fd.hpp"

#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include <csignal>

namespace stint {

class Signals {
 public:
  /// Handles these signals, except those that were ignored when the process started (nohup). The destructor restores the
  /// earlier actions. Throws std::system_error if there is no pipe.
  explicit Signals(std::initializer_list<int> signals);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  static constexpr double until_woken = 3600;  ///< seconds, for a thread that wake() ends

  /// The next signal; none after `seconds`, or after wake().
  std::optional<int> wait(double seconds);
  /// Ends a wait() in another thread.
  void wake();

 private:
  UniqueFd read_end_, write_end_;
  std::vector<std::pair<int, struct sigaction>> before_;
};

}  // namespace stint
