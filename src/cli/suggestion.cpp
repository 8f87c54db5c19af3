// SPDX-License-Identifier: Apache-2.0
#include "cli/suggestion.hpp"

#include <algorithm>
#include <cstddef>

namespace stint {
namespace {

// Letters inserted, deleted, replaced, or exchanged with their neighbour (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  const auto letters = word.size() - std::min(word.find_first_not_of('-'), word.size());
  std::size_t best = std::max<std::size_t>(1, letters / 3) + 1;  // with more changes it is another word
  std::string found;
  for (const auto& other : known) {
    // A beginning of three letters is an abbreviation, and better than one change.
    const bool begins = letters >= 3 && other.starts_with(word);
    const auto changes = begins ? 0 : distance(word, other);
    if (changes >= best) continue;
    best = changes;
    found = other;
  }
  return found;
}

}  // namespace stint
