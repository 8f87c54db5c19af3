// SPDX-License-Identifier: Apache-2.0
// A pipe that a thread reads, for the output of a process that this one starts. mpirun writes to these pipes, and the launcher
// passes the output on, so that one process owns the terminal and sees failed writes.
#pragma once

#include "base/unique_fd.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace stint {

class Relay {
 public:
  /// `take`: called on its own thread with each piece as it comes, and with an empty one at the end.
  explicit Relay(std::function<void(std::string_view piece)> take);
  ~Relay();  ///< calls finish()
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// The end to write to, for the process that is started.
  [[nodiscard]] int write_end() const { return write_end_.get(); }
  /// Call it once that process has the write end.
  void close_write_end() { write_end_.reset(); }
  /// The process has ended: reads what is still in the pipe, without waiting for other processes that hold its write end.
  void finish();

 private:
  void pass_on();

  const std::function<void(std::string_view)> take_;
  UniqueFd read_end_, write_end_;
  UniqueFd ending_;  // an eventfd
  std::thread thread_;
};

/// The part of `held` + `piece` to show on stderr now: without mpirun 4.1's own lines about lost ranks and signals
/// ("[host:pid] PMIX ERROR: …", "mpirun: Forwarding signal …"), which the run reports in its own words, and without the
/// messages of ranks to the launcher. `held` keeps a rest that may become one of these; `message` gets the text
/// after `mark` in a line.
std::string without_noise(std::string& held, std::string_view piece, bool last, const std::string& mark,
                          const std::function<void(const std::string& message)>& message);

}  // namespace stint
