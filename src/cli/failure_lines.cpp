// SPDX-License-Identifier: Apache-2.0
#include "cli/failure_lines.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace stint {

std::vector<std::string> failure_lines(const AnyJob& job, const std::vector<FailedChunk>& failures, const Context& context,
                                       std::size_t most) {
  constexpr std::size_t most_described = 1000;  // each may read a log
  struct Kind {
    std::string kind, line;
    std::size_t count = 1;
  };
  std::vector<Kind> kinds;
  const auto described = std::min(failures.size(), most_described);
  for (std::size_t i = 0; i < described; ++i) {
    auto text = job.describe_failure(failures[i], context);
    if (!text) return {};
    const auto known = std::ranges::find(kinds, text->kind, &Kind::kind);
    if (known != kinds.end()) {
      known->count += 1;
    } else {
      kinds.push_back({std::move(text->kind), std::move(text->line)});
    }
  }
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < kinds.size() && i < most; ++i) {
    const auto& kind = kinds[i];
    lines.push_back(kind.line + (kind.count > 1 ? " (and " + std::to_string(kind.count - 1) + " more like it)" : ""));
  }
  if (kinds.size() > most) lines.push_back("… and failures of other kinds: " + std::to_string(kinds.size() - most));
  return lines;
}

std::string in_words_of(const AnyJob& job, const std::string& text) {
  constexpr std::string_view word = "chunk ";
  if (job.item() == "chunk") return text;
  const auto at = text.find(word);
  if (at == text.npos) return text;
  std::uint64_t chunk = 0;
  const char* digits = text.data() + at + word.size();
  const auto [end, error] = std::from_chars(digits, text.data() + text.size(), chunk);
  if (error != std::errc()) return text;
  try {
    return text.substr(0, at) + std::string(job.item()) + " " + std::to_string(job.number_of(chunk)) + end;
  } catch (const std::out_of_range&) {
    return text;  // not a chunk of this plan
  }
}

}  // namespace stint
