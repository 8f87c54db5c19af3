// SPDX-License-Identifier: Apache-2.0
// Runs a program to its end or to a timeout, and keeps its output: for doctor, which tries things instead of guessing.
#pragma once

#include <string>
#include <vector>

namespace stint {

struct Trial {
  int error = 0;        ///< errno of the start; 0: it started
  bool in_time = true;  ///< false: it was ended at the timeout
  int exit_code = -1;   ///< -1: ended by a signal
  double seconds = 0;
  std::string out;  ///< of stdout
  std::string err;  ///< of stderr

  /// It started, ended in time and returned 0.
  [[nodiscard]] bool passed() const { return error == 0 && in_time && exit_code == 0; }
};

/// `words`: the program, looked up in PATH, and its arguments. `more`: "NAME=value", placed before the environment of
/// this process. stdin is empty. At the timeout (in seconds) the program gets SIGTERM, and its process group SIGKILL 3 s
/// later.
Trial try_program(const std::vector<std::string>& words, double bound, const std::vector<std::string>& more = {});

}  // namespace stint
