// SPDX-License-Identifier: Apache-2.0
#include "base/range_list.hpp"

#include <charconv>
#include <cstdint>
#include <limits>

namespace stint {

std::optional<std::vector<Range>> parse_range_list(std::string_view text) {
  std::vector<Range> ranges;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto part = text.substr(0, comma);
    text = comma == text.npos ? "" : text.substr(comma + 1);
    if (comma != text.npos && text.empty()) return std::nullopt;  // no number after the last comma
    Range range;
    const char* end = part.data() + part.size();
    auto read = std::from_chars(part.data(), end, range.first);
    range.last = range.first;
    if (read.ec == std::errc{} && read.ptr != end && *read.ptr == '-') read = std::from_chars(read.ptr + 1, end, range.last);
    if (read.ec != std::errc{} || read.ptr != end || range.last < range.first) return std::nullopt;
    if (range.last == std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
    range.last += 1;
    ranges.push_back(range);
  }
  return ranges;
}

}  // namespace stint
