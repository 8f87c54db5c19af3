// SPDX-License-Identifier: Apache-2.0
// The exceptions that a job throws: for wrong input, for lost data, and for a failed chunk with more than one line to keep.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace stint {

/// The input is wrong, and a retry would not help: ends the run with exit code 2 and one line.
/// Every other exception from `compute` is one failed attempt at that chunk.
class BadInput : public std::runtime_error {
 public:
  /// `offset`: bytes from the beginning of `file`; `what`: what is wrong there.
  BadInput(const std::string& file, std::uint64_t offset, const std::string& what)
      : std::runtime_error(file + ", byte " + std::to_string(offset) + ": " + what) {}
  explicit BadInput(const std::string& what) : std::runtime_error(what) {}
};

/// Something that was kept for the run is missing, so the output of `finish` or `follow_end` is incomplete. Ends the run, or
/// the verb, with exit code 4 and one line: what is missing, and how to get it.
class DataLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One failed attempt at a chunk, as any other exception. If it was the last attempt, `detail` (text, UTF-8) is kept with
/// the chunk, for `follow_failure`.
class ChunkError : public std::runtime_error {
 public:
  ChunkError(const std::string& what, std::string detail) : std::runtime_error(what), detail_(std::move(detail)) {}
  [[nodiscard]] const std::string& detail() const { return detail_; }

 private:
  std::string detail_;
};

/// Rows of a name and a text of one or more lines.
using TextRows = std::vector<std::pair<std::string, std::string>>;

/// A failed chunk in the words of the job: see describe_failure in job.hpp.
struct FailureText {
  std::string line;  ///< which chunk, by its user's name for it, why, where: "command 4 failed: exit 1 after 0.4 s on …"
  std::string kind;  ///< why, without details of this chunk: of the failures of one kind only the first is shown
  TextRows rows;     ///< more details
};

/// A chunk whose last attempt failed.
struct FailedChunk {
  std::uint64_t chunk = 0;
  std::string error;
  std::string host;
  int attempts = 0;
  std::string detail;  ///< of a ChunkError
};

}  // namespace stint
