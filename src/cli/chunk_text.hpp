// SPDX-License-Identifier: Apache-2.0
// What a chunk of a run is, in the words of its job, for verbs that look at runs.
#pragma once

#include <stint/main.hpp>

#include "blackboard/blackboard.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace stint {

class ChunkTexts {
 public:
  /// All must outlive it. Reads the plan, which may be large, when the first text is asked for.
  ChunkTexts(Blackboard& board, const RunState& state, std::string run, std::span<const JobEntry> jobs);
  /// Empty if the job is none of `jobs`, has nothing to say, or its plan is no longer stored.
  std::string of(std::uint64_t chunk);

 private:
  Blackboard& board_;
  const RunState& state_;
  const std::string run_;
  std::shared_ptr<AnyJob> job_;
  bool read_ = false;
};

/// ": TEXT" on one line, shortened; empty for an empty text.
std::string behind_colon(const std::string& text);

}  // namespace stint
