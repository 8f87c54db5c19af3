// SPDX-License-Identifier: Apache-2.0
// The wrapping of every value that leaves its process. Little-endian:
//
//   4 bytes  magic "STNT"
//   1        format version, 2
//   1        kind of value: 'p' plan, 'n' node, 'r' result
//   1        flags: 1 = the payload is compressed by zstd
//   1        zero
//   8        fingerprint of the type of the value
//   8        chunks that it stands for
//   8        length of the payload before compression
//   8        XXH3 of the 32 bytes above and of the payload as stored, seeded with the value's place
//   …        payload
//
// A frame is checked whole before anything is decoded, so that Boost.Serialization never sees a foreign byte. The place
// is not stored: the reader supplies it, so that a good value in the place of another counts as damage. A length is not
// trusted either: a compressed payload may expand to 512 MiB or to 32 times its frame; a payload that expands more is
// stored uncompressed. The price of frames: one flipped bit costs the whole value; but values are small, and each can be
// recomputed. Format 1, of Stint 0.1, had no places; it is refused.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace stint::codec {

/// Not a frame, damaged, or of another type or version. The caller decides what to do: usually it recomputes the chunks.
class FrameError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Label {
  char kind = 'n';
  std::uint64_t fingerprint = 0;
  std::uint64_t chunks = 0;
  std::uint64_t place = 0;  ///< where it is stored, by `place_of`
};

/// A number for a place: the identity of the run, the chunks of its plan, and the name of the value there.
std::uint64_t place_of(std::string_view identity, std::uint64_t chunks, std::string_view name);

std::string wrap(const Label& label, std::string payload);
/// Returns the payload. Throws FrameError unless the frame is whole, has this label, and is in its place.
std::string unwrap(const Label& label, std::string_view frame);

/// 16 hexadecimal digits of XXH3.
std::string digest(std::string_view bytes);
std::uint64_t hash(std::string_view bytes);

}  // namespace stint::codec
