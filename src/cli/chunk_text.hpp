// SPDX-License-Identifier: Apache-2.0
// What a chunk of a run is, in the words of its job, for verbs that look at runs.
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
  /// All must outlive it. Reads the plan, which may be large, when the first text is asked for.
  ChunkTexts(Blackboard& board, const RunState& state, std::string run, std::span<const JobEntry> jobs);
  /// Empty if the job is none of `jobs`, has nothing to say, or its plan is no longer stored.
  std::string of(std::uint64_t chunk);
  /// As the user knows it: "chunk 3", or "command 4".
  std::string name(std::uint64_t chunk);
  /// The number in that name.
  std::uint64_t number_of(std::uint64_t chunk);
  /// The chunk that the user knows by this number; none: there is none.
  std::optional<std::uint64_t> chunk_of(std::uint64_t number);
  /// The same for a list. Throws Error(usage) for a number that is not there.
  std::vector<Range> chunks_of(const std::vector<Range>& numbers);
  /// "chunk", or "command".
  [[nodiscard]] std::string item() const { return job_ ? std::string(job_->item()) : "chunk"; }
  /// The text with its first "chunk 3" as the user knows it.
  std::string in_words(const std::string& text);
  /// What happened, as the blackboard keeps it, in such words: its lists of chunks, too.
  std::string event(const std::string& kind, const std::string& text);
  /// What the job says of this failure. `store`: the folder of files that are kept with the run.
  std::optional<FailureText> failure(const FailedChunk& failed, const std::filesystem::path& store);
  /// What it says of a chunk that is done; throws Error(damaged) if what is stored of it cannot be read.
  TextRows done(std::uint64_t chunk, const std::filesystem::path& store);
  /// The option of `stint result` that shows this chunk alone; empty: there is none.
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

/// The chunks that the user knows by these numbers. The job has its plan. Throws Error(usage) for a number that is not
/// there.
std::vector<Range> chunks_of(const AnyJob& job, const std::string& run, const std::vector<Range>& numbers);

/// ": TEXT" on one line, shortened; empty for an empty text.
std::string behind_colon(const std::string& text);

}  // namespace stint
