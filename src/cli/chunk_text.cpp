// SPDX-License-Identifier: Apache-2.0
#include "cli/chunk_text.hpp"

#include "base/error.hpp"
#include "base/range_list.hpp"
#include "cli/failure_lines.hpp"
#include "cli/stored_result.hpp"
#include "cli/text_layout.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

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
    job_ = nullptr;  // a done run has no plan any more
  }
  return job_ != nullptr;
}

std::string ChunkTexts::of(std::uint64_t chunk) { return has_plan() ? job_->describe(chunk) : std::string(); }

std::string ChunkTexts::name(std::uint64_t chunk) { return in_words("chunk " + std::to_string(chunk)); }

std::string ChunkTexts::in_words(const std::string& text) {
  return item() != "chunk" && has_plan() ? in_words_of(*job_, text) : text;
}

std::uint64_t ChunkTexts::number_of(std::uint64_t chunk) {
  try {
    return item() != "chunk" && has_plan() ? job_->number_of(chunk) : chunk;
  } catch (const std::out_of_range&) {
    return chunk;  // not a chunk of this plan
  }
}

// "4-6,9-10", ranges in the form of the blackboard, become "chunks 4-5, 9".
std::string ChunkTexts::list_in_words(const std::string& list) {
  constexpr std::uint64_t most = 100'000;  // maximum to sort
  const auto ranges = parse_range_list(list);
  std::vector<std::uint64_t> numbers;
  for (const auto range : ranges.value_or(std::vector<Range>())) {
    if (range.size() > most - numbers.size()) return item() + "s " + list;
    for (auto chunk = range.first; chunk + 1 < range.last; ++chunk) numbers.push_back(number_of(chunk));  // read as inclusive
  }
  if (numbers.empty()) return item() + "s " + list;  // the event was too long to be kept whole
  std::ranges::sort(numbers);
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    const auto first = numbers[i];
    while (++i < numbers.size() && numbers[i] == numbers[i - 1] + 1) {
    }
    text += (text.empty() ? "" : ", ") + std::to_string(first) + (numbers[i - 1] > first ? "-" + std::to_string(numbers[i - 1]) : "");
  }
  return item() + (numbers.size() == 1 ? " " : "s ") + text;
}

// "W with 2 chunks in hand: 4-6" for a lost rank, "4-6 by W" for a copy; other events name at most one chunk.
std::string ChunkTexts::event(const std::string& kind, const std::string& text) {
  constexpr std::string_view in_hand = " in hand: ";
  const auto with = text.rfind(" with "), hand = text.find(in_hand), by = text.find(" by ");
  if (kind == "reap" && with != text.npos && hand != text.npos && hand + in_hand.size() < text.size()) {
    return text.substr(0, with) + " with " + list_in_words(text.substr(hand + in_hand.size())) + " in hand";
  }
  if (kind == "copy" && by != text.npos) return list_in_words(text.substr(0, by)) + text.substr(by);
  return in_words(text);
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

TextRows ChunkTexts::done(std::uint64_t chunk, const std::filesystem::path& store) {
  if (!has_plan()) return {};
  RunFacts facts;
  facts.run = run_;
  facts.store_dir = store;
  if (state_.state == "done" || state_.state == "partial") {
    const auto result = stored_result(*job_, board_, state_, run_);
    return result ? job_->describe_done(chunk, *result, Context(facts)) : TextRows();
  }
  const auto part = stored_part(*job_, board_, state_, run_, chunk);
  return part ? job_->describe_done(chunk, *part, Context(facts)) : TextRows();
}

std::string ChunkTexts::result_option(std::uint64_t chunk) {
  if (!has_plan()) return "";
  Options options;
  job_->options(options);
  const bool has = std::ranges::any_of(options.entries(), [](const auto& entry) { return entry.name == "chunk"; });
  return has ? "--chunk " + std::to_string(number_of(chunk)) : "";
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
