// SPDX-License-Identifier: Apache-2.0
// Feeds texts to the reader of records, in chunks and blocks of any size. Over all chunks of a plan every record comes once,
// whole and in its order.
#include "fuzz.hpp"

#include <stint/input.hpp>

#include <sys/stat.h>

#include <algorithm>

namespace stint::fuzzing {

void add_records(std::string_view text, const Separators& separators, std::vector<std::string>& records) {
  std::string record;
  for (const char c : text) {
    if (!separators.contains(c)) {
      record += c;
    } else {
      records.push_back(std::exchange(record, ""));
    }
  }
  if (!record.empty()) records.push_back(record);
}

InputFile facts_of(const MemoryFile& file) {
  struct stat facts {};
  require(::fstat(file.descriptor(), &facts) == 0, "a file in memory can be looked at");
  return {file.path(), static_cast<std::uint64_t>(facts.st_size),
          static_cast<std::int64_t>(facts.st_mtim.tv_sec) * 1'000'000'000 + facts.st_mtim.tv_nsec};
}

void fuzz(Bytes& bytes) {
  const Separators& separators = bytes.ConsumeBool() ? white_space : newline;
  const auto chunk_bytes = bytes.ConsumeIntegralInRange<std::uint64_t>(1, 100);
  RecordReader reader(separators, bytes.ConsumeIntegralInRange<std::size_t>(16, 64));
  const auto first_text = text_of(bytes, 300);
  const auto second_text = bytes.ConsumeRemainingBytesAsString();
  const MemoryFile first(first_text), second(second_text);
  const Pieces pieces({facts_of(first), facts_of(second)}, chunk_bytes);
  std::vector<std::string> expected, records;
  add_records(first_text, separators, expected);
  add_records(second_text, separators, expected);
  for (std::uint64_t chunk = 0; chunk < pieces.size(); ++chunk) {
    for (const auto& span : pieces[chunk]) {
      reader.open(span);
      for (auto block = reader.next(); !block.empty(); block = reader.next()) {
        add_records({block.data(), block.size()}, separators, records);
        std::ranges::fill(block, 'x');  // it belongs to us
      }
    }
  }
  require(records == expected, "every record comes once and whole");
}

}  // namespace stint::fuzzing
