// SPDX-License-Identifier: Apache-2.0
// Settings that change what a command does, beside its text: variables from a file, and the shell. Both are part of the run's
// identity, by their values and not by the file's path; other ranks and later calls get them from the run.
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
  /// The files that the settings are read from.
  [[nodiscard]] std::vector<std::string> paths() const;

 private:
  std::string file_;                            // --env-from
  mutable std::vector<std::string> variables_;  // of the file `known_of_`
  mutable std::string known_of_;
};

/// The shell in STINT_SHELL; empty: only /bin/sh is used.
std::string chosen_shell();

/// The variables of a text with NAME=VALUE lines, blank lines, and comments that begin with #. Throws BadInput with the
/// name `file`.
std::vector<std::string> variables_of(const std::string& text, const std::string& file);

}  // namespace stint::commands
