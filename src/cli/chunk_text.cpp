// SPDX-License-Identifier: Apache-2.0
#include "cli/chunk_text.hpp"

#include "base/error.hpp"
#include "cli/failure_lines.hpp"
#include "cli/stored_result.hpp"
#include "cli/text_layout.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace stint {

ChunkTexts::ChunkTexts(Blackboard& board, const RunState& state, std::string run, std::span<const JobEntry> jobs)
    : board_(board), state_(state), run_(std::move(run)) {
  for (const auto& entry : jobs) {
    if (entry.name == state.field("job")) job_ = entry.make();
  }
}

bool ChunkTexts::has_plan() {
  try {
    if (job_ && !std::exchange(read_, true)) adopt_stored_plan(*job_, board_, state_, run_);
  } catch (const Error&) {
    job_ = nullptr;  // a finished run has no plan
  }
  return job_ != nullptr;
}

std::string ChunkTexts::of(std::uint64_t chunk) { return has_plan() ? job_->describe(chunk) : std::string(); }

std::string ChunkTexts::name(std::uint64_t chunk) { return in_words("chunk " + std::to_string(chunk)); }

std::string ChunkTexts::in_words(const std::string& text) {
  return item() != "chunk" && has_plan() ? in_words_of(*job_, text) : text;
}

std::optional<std::uint64_t> ChunkTexts::chunk_of(std::uint64_t number) {
  try {
    const auto chunk = item() != "chunk" && has_plan() ? job_->chunk_of(number) : number;
    return chunk < state_.chunks ? std::optional(chunk) : std::nullopt;
  } catch (const std::out_of_range&) {
    return std::nullopt;
  }
}

std::optional<FailureText> ChunkTexts::failure(const FailedChunk& failed, const std::filesystem::path& store) {
  if (!has_plan()) return std::nullopt;
  RunFacts facts;
  facts.run = run_;
  facts.store_dir = store;
  return job_->describe_failure(failed, Context(facts));
}

std::vector<Range> ChunkTexts::chunks_of(const std::vector<Range>& numbers) {
  return !numbers.empty() && item() != "chunk" && has_plan() ? stint::chunks_of(*job_, run_, numbers) : numbers;
}

std::vector<Range> chunks_of(const AnyJob& job, const std::string& run, const std::vector<Range>& numbers) {
  if (job.item() == "chunk") return numbers;
  std::vector<Range> chunks;
  for (const auto range : numbers) {
    for (auto number = range.first; number < range.last; ++number) {
      try {
        const auto chunk = job.chunk_of(number);
        chunks.push_back({chunk, chunk + 1});
      } catch (const std::out_of_range&) {
        throw Error(Exit::usage, "run " + run + " has no " + std::string(job.item()) + " " + std::to_string(number) + ": its " +
                                     std::string(job.item()) + "s are 1 to " + std::to_string(job.chunks()));
      }
    }
  }
  std::ranges::sort(chunks, {}, &Range::first);
  return chunks;
}

std::string behind_colon(const std::string& text) {
  constexpr std::size_t most = 100;
  return text.empty() ? "" : ": " + shortened(printable(text), most);
}

}  // namespace stint
