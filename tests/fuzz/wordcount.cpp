// SPDX-License-Identifier: Apache-2.0
// Feeds plans and partials of the job `wordcount` to it: see fuzz_plan and fuzz_partial for what must hold. What is taken for
// counts is written back as the same bytes.
#include "fuzz.hpp"
#include "wordcount.hpp"

namespace stint::fuzzing {

void fuzz(Bytes& bytes) {
  if (bytes.ConsumeBool()) {
    const auto size = bytes.ConsumeIntegral<std::uint32_t>();
    fuzz_plan<Wordcount>(Pieces({{text_of(bytes), size, 7}, {text_of(bytes), 0, 0}}, bytes.ConsumeIntegral<std::uint16_t>()), bytes);
    return;
  }
  const auto text = text_of(bytes, 400);
  words::WordTable table;
  const std::string padded = text + std::string(words::WordTable::padding, '\0');
  table.count(std::span(padded).first(text.size()));
  const auto counts = table.take();
  const auto packed = hostile(counts.pack(), bytes);
  const auto read = unless_refused<std::runtime_error>([&] { return words::WordCounts::unpack(packed); });
  require(!read || read->pack() == packed, "counts have one spelling");
  fuzz_partial<Wordcount>(counts, bytes);
}

}  // namespace stint::fuzzing
