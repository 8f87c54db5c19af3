// SPDX-License-Identifier: Apache-2.0
#include "codec/frame.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

#include <bit>
#include <cstdio>
#include <cstring>

namespace stint::codec {
namespace {

static_assert(std::endian::native == std::endian::little, "frames are little-endian");

constexpr std::size_t header_bytes = 40;
constexpr std::size_t compress_from = 4096;                        // bytes; for less, compression costs more than it gains
// Maximum of a payload for any length of its frame: the longest value that Redis takes; also bounds partial and plan.
constexpr std::uint64_t trusted_length = std::uint64_t{512} << 20;
constexpr std::uint64_t trusted_ratio = 32;                        // maximum of a longer payload, as a multiple of its frame
constexpr unsigned char version = 2;

struct Header {
  char magic[4];
  unsigned char version;
  char kind;
  unsigned char compressed;
  unsigned char zero;
  std::uint64_t fingerprint;
  std::uint64_t chunks;
  std::uint64_t length;
  std::uint64_t sum;
};
static_assert(sizeof(Header) == header_bytes);

std::uint64_t sum_of(const Header& header, std::string_view payload, std::uint64_t place) {
  return XXH3_64bits_withSeed(payload.data(), payload.size(),
                              XXH3_64bits_withSeed(&header, header_bytes - sizeof header.sum, place));
}

// Whether a frame of `stored` bytes may expand to `length` bytes.
bool is_trusted(std::uint64_t length, std::size_t stored) {
  return length <= trusted_length || length / trusted_ratio <= stored;
}

}  // namespace

std::uint64_t place_of(std::string_view identity, std::uint64_t chunks, std::string_view name) {
  return XXH3_64bits_withSeed(name.data(), name.size(),
                              XXH3_64bits_withSeed(identity.data(), identity.size(), chunks));
}

std::string wrap(const Label& label, std::string payload) {
  Header header{{'S', 'T', 'N', 'T'}, version, label.kind, 0, 0, label.fingerprint, label.chunks, payload.size(), 0};
  std::string frame(header_bytes, '\0');
  if (payload.size() >= compress_from) {
    frame.resize(header_bytes + ZSTD_compressBound(payload.size()));
    const std::size_t size =
        ZSTD_compress(frame.data() + header_bytes, frame.size() - header_bytes, payload.data(), payload.size(), 1);
    if (ZSTD_isError(size) == 0 && size < payload.size() && is_trusted(payload.size(), size)) {
      header.compressed = 1;
      frame.resize(header_bytes + size);
    } else {
      frame.resize(header_bytes);
    }
  }
  if (header.compressed == 0) frame += payload;
  header.sum = sum_of(header, std::string_view(frame).substr(header_bytes), label.place);
  std::memcpy(frame.data(), &header, header_bytes);
  return frame;
}

std::string unwrap(const Label& label, std::string_view frame) {
  Header header{};
  if (frame.size() < header_bytes) throw FrameError("cut short: " + std::to_string(frame.size()) + " bytes");
  std::memcpy(&header, frame.data(), header_bytes);
  const std::string_view payload = frame.substr(header_bytes);
  if (std::memcmp(header.magic, "STNT", 4) != 0) throw FrameError("not a value of Stint");
  if (header.version != version) {
    throw FrameError("written in format " + std::to_string(header.version) + ", and this program knows format " +
                     std::to_string(version));
  }
  if (header.sum != sum_of(header, payload, label.place)) {
    throw FrameError("damaged, or the value of another place: its checksum does not match");
  }
  if (header.kind != label.kind || header.fingerprint != label.fingerprint) {
    throw FrameError("a value of another type, written by another program");
  }
  if (header.chunks != label.chunks) throw FrameError("a value of other chunks");
  const bool compressed = header.compressed != 0;
  if (compressed ? !is_trusted(header.length, payload.size()) : header.length != payload.size()) {
    throw FrameError("its length does not match");
  }
  if (!compressed) return std::string(payload);
  std::string bytes(header.length, '\0');
  if (ZSTD_decompress(bytes.data(), bytes.size(), payload.data(), payload.size()) != header.length) {
    throw FrameError("damaged: it does not decompress");
  }
  return bytes;
}

std::uint64_t hash(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string digest(std::string_view bytes) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash(bytes)));
  return text;
}

}  // namespace stint::codec
