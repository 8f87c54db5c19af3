// SPDX-License-Identifier: Apache-2.0
// Where `finish` writes the result.
#pragma once

#include <iostream>
#include <string>

namespace stint {

/// Nothing that is written here is seen before the result is stored on the blackboard; then each file is renamed
/// into place whole. The streams throw when a write fails; let it pass.
class Output {
 public:
  virtual ~Output() = default;
  /// The main result: stdout, or the file named by `--output`.
  virtual std::ostream& text() = 0;
  /// Standard error, for a job that shows its results as they come: in step with text() where both reach one place (`2>&1`).
  virtual std::ostream& errors() { return std::cerr; }
  /// One more file, binary, beside the one named by `--output` (else in the working folder). `name` has no '/'.
  virtual std::ostream& file(const std::string& name) = 0;
};

}  // namespace stint
