// SPDX-License-Identifier: Apache-2.0
// Feeds lists of numbers as users write them. Nothing throws; ranges of a list have chunks, and are read again from their own
// spelling.
#include "fuzz.hpp"

#include "base/range_list.hpp"

namespace stint::fuzzing {

void fuzz(Bytes& bytes) {
  const auto ranges = parse_range_list(bytes.ConsumeRemainingBytesAsString());
  if (!ranges) return;
  std::string text;
  for (const auto& range : *ranges) {
    require(!range.empty(), "a range has chunks");
    text += (text.empty() ? "" : ",") + std::to_string(range.first) + "-" + std::to_string(range.last - 1);
  }
  require(parse_range_list(text) == ranges, "a list is read as it was written");
}

}  // namespace stint::fuzzing
