// SPDX-License-Identifier: Apache-2.0
// Exit codes, and the exceptions that end a rank. Expected outcomes are values, never exceptions.
#pragma once

#include <cerrno>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>

namespace stint {

enum class Exit : int {
  complete = 0,
  partial = 1,      ///< finished, but with failed chunks
  usage = 2,        ///< usage or bad input
  board = 3,        ///< blackboard unreachable, lost or refusing
  damaged = 4,      ///< data damaged or written by an incompatible version
  other_run = 5,    ///< the run id belongs to other content
  defect = 70,      ///< a defect in Stint or in the job's code outside a chunk
  interrupted = 75, ///< the same command continues
};

/// The error line for a record of a run on the blackboard that cannot be right. All callers use this text.
inline std::string damaged_record(const std::string& run, const std::string& why) {
  return "the record of run " + run + " is damaged (" + why + "); --fresh begins anew, other runs are not touched";
}

/// Ends the command with one line (what, on what, why, what to do) and the exit code.
class Error : public std::runtime_error {
 public:
  Error(Exit exit, const std::string& line) : std::runtime_error(line), exit_(exit) {}
  [[nodiscard]] Exit exit() const { return exit_; }

 private:
  Exit exit_;
};

/// Advice, to append to an error, if the system had no room for a thread, a process or a descriptor; empty if `error`
/// (an errno) means something else.
inline std::string shortage_advice(int error) {
  const bool is = error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE;
  return is ? "; raise the user's limits (ulimit -u, ulimit -n), or end what else runs" : "";
}

/// The Error for a system that had no room for a thread, a process or a descriptor; none if `error` means something else.
inline std::optional<Error> shortage(const std::exception& error) {
  const auto* of_system = dynamic_cast<const std::system_error*>(&error);
  if (of_system == nullptr) return std::nullopt;
  const auto advice = shortage_advice(of_system->code().value());
  if (advice.empty()) return std::nullopt;
  return Error(Exit::interrupted, "no room for another thread, process or file: " + of_system->code().message() + advice +
                                      "; the same command continues then");
}

}  // namespace stint
