// SPDX-License-Identifier: Apache-2.0
// The chunks of a run in the words of its job, for verbs that show runs.
#pragma once

#include <stint/main.hpp>

#include "blackboard/blackboard.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace stint {

class ChunkTexts {
 public:
  /// The arguments must outlive this object. Reads the plan, which may be large, for the first text.
  ChunkTexts(Blackboard& board, const RunState& state, std::string run, std::span<const JobEntry> jobs);
  /// The job's text of a chunk. Empty if the job is not in `jobs`, has no text, or its plan is no longer stored.
  std::string of(std::uint64_t chunk);
  /// The user's name for a chunk: "chunk 3", or "command 4".
  std::string name(std::uint64_t chunk);
  /// The number in that name.
  std::uint64_t number_of(std::uint64_t chunk);
  /// The chunk with this number in the user's words; none: there is no such chunk.
  std::optional<std::uint64_t> chunk_of(std::uint64_t number);
  /// The same for a list. Throws Error(usage) for a number without a chunk.
  std::vector<Range> chunks_of(const std::vector<Range>& numbers);
  /// "chunk", or "command".
  [[nodiscard]] std::string item() const { return job_ ? std::string(job_->item()) : "chunk"; }
  /// The text with its first "chunk 3" in the user's words.
  std::string in_words(const std::string& text);
  /// An event of the blackboard in such words, including its lists of chunks.
  std::string event(const std::string& kind, const std::string& text);
  /// The job's text of this failure. `store`: the folder of files that are kept with the run.
  std::optional<FailureText> failure(const FailedChunk& failed, const std::filesystem::path& store);
  /// The job's text of a done chunk. Throws Error(damaged) if its partial cannot be read.
  TextRows done(std::uint64_t chunk, const std::filesystem::path& store);
  /// The option of `stint result` that shows only this chunk; empty: there is none.
  std::string result_option(std::uint64_t chunk);

 private:
  bool has_plan();
  std::string list_in_words(const std::string& list);
  Blackboard& board_;
  const RunState& state_;
  const std::string run_;
  std::shared_ptr<AnyJob> job_;
  bool read_ = false;
};

/// The chunks with these numbers in the user's words. The job has its plan. Throws Error(usage) for a number without a
/// chunk.
std::vector<Range> chunks_of(const AnyJob& job, const std::string& run, const std::vector<Range>& numbers);

/// ": TEXT" on one line, shortened; empty for an empty text.
std::string behind_colon(const std::string& text);

}  // namespace stint
