// SPDX-License-Identifier: Apache-2.0
// Where `finish` writes the result.
#pragma once

#include <iostream>
#include <string>

namespace stint {

/// No output is visible before the result is stored on the blackboard; then each file is renamed into place whole. Except
/// in a job that follows: its text on stdout is visible at once. The streams throw when a write fails; do not catch that.
class Output {
 public:
  virtual ~Output() = default;
  /// The main result: stdout, or the file named by `--output`.
  virtual std::ostream& text() = 0;
  /// Standard error, for a job that shows results during the run: in step with text() if both go to one place (`2>&1`).
  virtual std::ostream& errors() { return std::cerr; }
  /// One more file, binary, beside the one named by `--output` (else in the working folder). `name` has no '/'.
  virtual std::ostream& file(const std::string& name) = 0;
};

}  // namespace stint
