// SPDX-License-Identifier: Apache-2.0
// What changes what a command does beside its text: variables from a file, and the shell. Both are part of the run's
// identity, by what they are and not by where they stand; other ranks and later calls have them from the run.
#pragma once

#include <stint/options.hpp>

#include <string>
#include <vector>

namespace stint::commands {

class Settings {
 public:
  void add_to(Options& options);

  /// NAME=VALUE, in the order of the file. Throws BadInput.
  [[nodiscard]] const std::vector<std::string>& variables() const;
  /// The files that it reads.
  [[nodiscard]] std::vector<std::string> paths() const;

 private:
  std::string file_;                            // --env-from
  mutable std::vector<std::string> variables_;  // of the file `known_of_`
  mutable std::string known_of_;
};

/// The shell that STINT_SHELL names; empty: none but /bin/sh.
std::string chosen_shell();

/// The variables of a text with NAME=VALUE lines, blank lines, and comments that begin with #. Throws BadInput, which
/// names `file`.
std::vector<std::string> variables_of(const std::string& text, const std::string& file);

}  // namespace stint::commands
