// SPDX-License-Identifier: Apache-2.0
#include "cli/chunk_text.hpp"

#include "base/error.hpp"
#include "cli/stored_result.hpp"
#include "cli/text_layout.hpp"

#include <utility>

namespace stint {

ChunkTexts::ChunkTexts(Blackboard& board, const RunState& state, std::string run, std::span<const JobEntry> jobs)
    : board_(board), state_(state), run_(std::move(run)) {
  for (const auto& entry : jobs) {
    if (entry.name == state.field("job")) job_ = entry.make();
  }
}

std::string ChunkTexts::of(std::uint64_t chunk) {
  try {
    if (job_ && !std::exchange(read_, true)) adopt_stored_plan(*job_, board_, state_, run_);
    return job_ ? job_->describe(chunk) : std::string();
  } catch (const Error&) {
    job_ = nullptr;  // a finished run has no plan
    return {};
  }
}

std::string behind_colon(const std::string& text) {
  constexpr std::size_t most = 100;
  return text.empty() ? "" : ": " + shortened(printable(text), most);
}

}  // namespace stint
