// SPDX-License-Identifier: Apache-2.0
// Feeds numbers, sizes and times as users write them. Only std::invalid_argument is thrown, times are from 0 to 1e9 seconds, and
// what options give back is read as the same bits.
#include "fuzz.hpp"

#include <stint/options.hpp>

#include <bit>
#include <tuple>

namespace stint::fuzzing {

void fuzz(Bytes& bytes) {
  auto number = bytes.ConsumeFloatingPoint<double>();
  auto seconds = bytes.ConsumeFloatingPointInRange(0.0, 1e9);
  auto count = bytes.ConsumeIntegral<std::uint64_t>();
  auto size = count;
  const auto bits = [&] { return std::tuple(std::bit_cast<std::uint64_t>(number), std::bit_cast<std::uint64_t>(seconds), count, size); };
  const auto before = bits();
  Options options;
  options.add("number", number, "").add_seconds("seconds", seconds, "").add("count", count, "").add_bytes("size", size, "");
  for (const auto& entry : options.entries()) entry.set(entry.get());
  require(bits() == before, "a quantity is read as the same bits");
  const auto text = bytes.ConsumeRemainingBytesAsString();
  unless_refused<std::invalid_argument>([&] { return parse_count(text); });
  unless_refused<std::invalid_argument>([&] { return parse_number(text); });
  unless_refused<std::invalid_argument>([&] { return parse_bytes(text); });
  const auto time = unless_refused<std::invalid_argument>([&] { return parse_seconds(text); });
  require(!time || (*time >= 0 && *time <= 1e9), "a time is one");
}

}  // namespace stint::fuzzing
