// SPDX-License-Identifier: Apache-2.0
// Feeds frames to the codec: valid ones, damaged ones, and headers of any content whose checksum is right. A valid frame gives
// back its payload; any other gives a payload or FrameError, and never more bytes than the codec trusts.
#include "fuzz.hpp"

#include "codec/frame.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

namespace stint::fuzzing {

constexpr std::size_t header_bytes = 40, sum_bytes = 8;

// The frame whose header says `length`, over this payload.
std::string forged(const codec::Label& label, bool compressed, std::uint64_t length, const std::string& payload) {
  std::string frame = codec::wrap(label, "").substr(0, header_bytes);
  frame[6] = compressed ? 1 : 0;
  std::memcpy(frame.data() + 24, &length, sizeof length);
  const auto sum = XXH3_64bits_withSeed(payload.data(), payload.size(),
                                        XXH3_64bits_withSeed(frame.data(), header_bytes - sum_bytes, label.place));
  std::memcpy(frame.data() + header_bytes - sum_bytes, &sum, sum_bytes);
  return frame + payload;
}

void fuzz(Bytes& bytes) {
  const codec::Label label{'n', bytes.ConsumeIntegral<std::uint64_t>(), bytes.ConsumeIntegral<std::uint64_t>(),
                           codec::place_of(text_of(bytes), 7, text_of(bytes))};
  std::string payload = text_of(bytes, 256);
  for (int doubled = bytes.ConsumeIntegralInRange(0, 8); doubled > 0; --doubled) payload += payload;  // long ones are compressed
  const auto frame = codec::wrap(label, payload);
  require(codec::unwrap(label, frame) == payload, "a frame gives back its payload");
  const bool compressed = bytes.ConsumeBool();
  const auto length = bytes.ConsumeBool() ? bytes.ConsumeIntegral<std::uint64_t>() : bytes.ConsumeIntegral<std::uint16_t>();
  const auto stored = hostile(frame.substr(header_bytes), bytes);
  const auto read = [&](const std::string& text) {
    return unless_refused<codec::FrameError>([&] { return codec::unwrap(label, text); });
  };
  const auto unforged = read(hostile(frame, bytes));
  require(!unforged || *unforged == payload, "a frame with another payload is refused");
  const auto taken = read(forged(label, compressed, length, stored));
  require(!taken || taken->size() == length, "a payload has the length that its frame says");
}

}  // namespace stint::fuzzing
