// SPDX-License-Identifier: Apache-2.0
// A pipe whose other end a thread reads: for what a process that we start writes. mpirun writes to these, and the launcher
// passes on what comes, so that one process owns the terminal and sees what could not be written.
#pragma once

#include "base/unique_fd.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace stint {

class Relay {
 public:
  /// `take`: called in a thread of its own with each piece as it comes, and with an empty one at the end.
  explicit Relay(std::function<void(std::string_view piece)> take);
  ~Relay();  ///< as finish()
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// Where to write; for the process that is started.
  [[nodiscard]] int write_end() const { return write_end_.get(); }
  /// To be called once that process has it.
  void close_write_end() { write_end_.reset(); }
  /// The process has ended: takes what is still in the pipe, and does not wait for strangers that hold its other end.
  void finish();

 private:
  void pass_on();

  const std::function<void(std::string_view)> take_;
  UniqueFd read_end_, write_end_;
  UniqueFd ending_;  // an eventfd
  std::thread thread_;
};

/// What of `held` + `piece` may be shown on stderr now, without what mpirun 4.1 says of itself whenever a rank is lost or a
/// signal comes ("[host:pid] PMIX ERROR: …", "mpirun: Forwarding signal …": the run says so in words of its own), and without the
/// messages of ranks to the launcher. `held` is left with what may turn out to be one of these; `message` gets what stands
/// behind `mark` in a line.
std::string without_noise(std::string& held, std::string_view piece, bool last, const std::string& mark,
                          const std::function<void(const std::string& message)>& message);

}  // namespace stint
