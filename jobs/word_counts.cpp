// SPDX-License-Identifier: Apache-2.0
// Counts in three passes over a piece of text that fits the first-level cache: where words begin and end (64 bytes at a
// time, one bit a byte), their keys and hashes, the look-ups. Each is a loop without a branch that depends on the text,
// and the memory of a look-up is prefetched while the other passes run: a word is short, and a cache miss or a mispredicted
// branch costs more than all the arithmetic.
#include "word_counts.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>
#include <stdexcept>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace words {
namespace {

constexpr unsigned first_bits = 12;  // slots of an empty table, as a power of two
constexpr std::size_t batch = 128;   // words looked up together

std::uint64_t load_8(const char* bytes) {
  std::uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// For 0 to 16 bytes: the bits of two loads that belong to the word.
struct Mask {
  std::uint64_t head, tail;
};
const std::array<Mask, 17> masks = [] {
  std::array<Mask, 17> table{};
  for (std::size_t length = 0; length < table.size(); ++length) std::memset(&table[length], 0xff, length);
  return table;
}();

/// The 128-bit product, both halves folded: one multiplication mixes 16 bytes well.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Product = unsigned __int128;
  const Product product = static_cast<Product>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

constexpr std::uint64_t odd_1 = 0xa0761d6478bd642fU;
constexpr std::uint64_t odd_2 = 0xe7037ed1a0b428dbU;
constexpr std::uint64_t odd_3 = 0x8ebc6af09c88c6e3U;

std::uint32_t hash_short(std::uint64_t head, std::uint64_t tail, std::size_t length) {
  return static_cast<std::uint32_t>(fold(head ^ odd_1, tail ^ odd_2 ^ (length * odd_3)) >> 32);
}

std::uint32_t hash_long(const char* word, std::size_t length) {
  std::uint64_t state = length * odd_3;
  for (std::size_t at = 0; at + 16 < length; at += 16) {
    state = fold(load_8(word + at) ^ odd_1, load_8(word + at + 8) ^ odd_2 ^ state);
  }
  return static_cast<std::uint32_t>(
      fold(load_8(word + length - 16) ^ odd_1, load_8(word + length - 8) ^ odd_2 ^ state) >> 32);
}

/// For 64 bytes, one bit each: set if the byte is ASCII white space.
std::uint64_t white_space_bits(const char* bytes) {
  std::uint64_t bits = 0;
#ifdef __SSE2__
  for (int part = 0; part < 4; ++part) {
    const __m128i data = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + 16 * part));
    const __m128i from_tab = _mm_sub_epi8(data, _mm_set1_epi8('\t'));
    const __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(from_tab, _mm_set1_epi8('\r' - '\t')), from_tab);
    const __m128i spaces = _mm_cmpeq_epi8(data, _mm_set1_epi8(' '));
    const auto found = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_or_si128(controls, spaces)));
    bits |= static_cast<std::uint64_t>(found) << (16 * part);
  }
#else
  for (unsigned i = 0; i < 64; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    bits |= static_cast<std::uint64_t>(byte == ' ' || static_cast<unsigned char>(byte - '\t') <= '\r' - '\t') << i;
  }
#endif
  return bits;
}

bool has_white_space(std::string_view bytes) {
  for (; bytes.size() >= 64; bytes.remove_prefix(64)) {
    if (white_space_bits(bytes.data()) != 0) return true;
  }
  char last[64] = {};
  std::memcpy(last, bytes.data(), bytes.size());
  return white_space_bits(last) != 0;
}

/// Copies `from` to `to`, sorted by `digit(item)`, which is below `digits`; equal items keep their order.
template <class Item, class Digit>
std::vector<std::uint32_t> scatter(std::span<const Item> from, Item* to, std::size_t digits, Digit&& digit) {
  std::vector<std::uint32_t> ends(digits);
  for (const Item& item : from) ++ends[digit(item)];
  std::exclusive_scan(ends.begin(), ends.end(), ends.begin(), std::uint32_t{0});
  for (const Item& item : from) to[ends[digit(item)]++] = item;
  return ends;  // the end of the items of each digit
}

void append_number(std::string& bytes, std::uint64_t number) {
  for (; number >= 128; number >>= 7) bytes += static_cast<char>(number | 128);
  bytes += static_cast<char>(number);
}

[[noreturn]] void damaged() { throw std::runtime_error("these are no word counts"); }

std::uint64_t take_number(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (bytes.empty()) damaged();
    const auto group = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    const std::uint64_t bits = group & 127U;
    if (bits << shift >> shift != bits || (group == 0 && shift > 0)) damaged();
    number |= bits << shift;
    if (group < 128) return number;
  }
  damaged();
}

std::string_view text_of(const Entry& entry, std::string_view text) {
  if (entry.is_long()) return text.substr(entry.tail, entry.length);
  return {reinterpret_cast<const char*>(&entry), entry.length};
}

/// Negative, zero or positive: compares by hash and then by bytes.
int compare(const Entry& a, std::string_view a_text, const Entry& b, std::string_view b_text) {
  if (a.hash != b.hash) return a.hash < b.hash ? -1 : 1;
  return text_of(a, a_text).compare(text_of(b, b_text));
}

}  // namespace

std::string_view WordCounts::text(const Entry& entry) const { return text_of(entry, text_); }

WordCounts::WordCounts(std::span<const Entry> entries, std::string_view text, std::vector<Entry>& rough)
    : entries_(std::make_unique_for_overwrite<Entry[]>(entries.size())), size_(entries.size()) {
  // The hash is evenly spread: its first bits bring each entry within a few places of its own. In two steps,
  // so that each step writes to no more places than the caches hold.
  if (rough.size() < size_) rough.resize(size_);
  const auto ends = scatter(entries, rough.data(), 256, [](const Entry& entry) { return entry.hash >> 24; });
  std::size_t first = 0;
  for (std::size_t end : ends) {
    const std::span<const Entry> part(rough.data() + first, end - first);
    const int bits = std::bit_width(part.size());
    scatter(part, entries_.get() + first, std::size_t{1} << bits,
            [bits](const Entry& entry) { return (entry.hash & 0xffffffU) >> (24 - std::min(bits, 24)); });
    first = end;
  }
  for (std::size_t i = 1; i < size_; ++i) {
    if (compare(entries_[i - 1], text, entries_[i], text) < 0) continue;
    const Entry moved = entries_[i];
    std::size_t place = i;
    for (; place > 0 && compare(entries_[place - 1], text, moved, text) > 0; --place) {
      entries_[place] = entries_[place - 1];
    }
    entries_[place] = moved;
  }
  text_.reserve(text.size());
  for (std::size_t i = 0; i < size_; ++i) {
    if (i + 16 < size_ && entries_[i + 16].is_long()) __builtin_prefetch(text.data() + entries_[i + 16].tail);
    if (!entries_[i].is_long()) continue;
    const std::string_view word = text_of(entries_[i], text);
    entries_[i].tail = text_.size();
    text_ += word;
  }
}

void WordCounts::merge(WordCounts right) {
  if (right.size_ == 0) return;
  if (size_ == 0) {
    *this = std::move(right);
    return;
  }
  auto merged = std::make_unique_for_overwrite<Entry[]>(size_ + right.size_);
  std::string all_text;
  all_text.reserve(text_.size() + right.text_.size());
  const Entry* a = entries_.get();
  const Entry* b = right.entries_.get();
  const Entry* const a_end = a + size_;
  const Entry* const b_end = b + right.size_;
  Entry* out = merged.get();
  auto own_text = [&](Entry& entry, const std::string& from) {
    if (!entry.is_long()) return;
    const std::string_view word = text_of(entry, from);
    entry.tail = all_text.size();
    all_text += word;
  };
  // The next side is unpredictable, and a mispredicted branch costs more than the rest of the step: so both answers
  // are computed. Branches remain only for rare cases: long words, and different words with one hash.
  while (a != a_end && b != b_end) {
    bool from_a = a->hash <= b->hash;
    bool from_b = b->hash <= a->hash;
    const bool same_begin = (a->head == b->head) & (a->length == b->length);
    if (from_a & from_b & !(same_begin & (a->tail == b->tail) & !a->is_long()) &&
        !(same_begin && a->is_long() && text(*a) == right.text(*b))) {
      const int order = compare(*a, text_, *b, right.text_);
      from_a = order <= 0;
      from_b = order >= 0;
    }
    *out = from_a ? *a : *b;
    out->count = (from_a ? a->count : 0) + (from_b ? b->count : 0);
    own_text(*out, from_a ? text_ : right.text_);
    ++out;
    a += from_a;
    b += from_b;
  }
  for (; a != a_end; ++a, ++out) own_text(*out = *a, text_);
  for (; b != b_end; ++b, ++out) own_text(*out = *b, right.text_);
  entries_ = std::move(merged);
  size_ = static_cast<std::size_t>(out - entries_.get());
  text_ = std::move(all_text);
}

std::string WordCounts::pack() const {
  std::string bytes;
  bytes.reserve(text_.size() + 16 * size_ + sizeof(Entry));
  append_number(bytes, size_);
  for (const Entry& entry : entries()) append_number(bytes, entry.length);
  for (const Entry& entry : entries()) append_number(bytes, entry.count);
  std::size_t used = bytes.size();
  std::size_t end = used;
  for (const Entry& entry : entries()) end += entry.length;
  bytes.resize(end + sizeof(Entry));
  for (const Entry& entry : entries()) {
    // Copies 16 bytes of a short word, whatever its length: the next word overwrites the excess.
    if (entry.is_long()) {
      std::memcpy(bytes.data() + used, text_.data() + entry.tail, entry.length);
    } else {
      std::memcpy(bytes.data() + used, &entry, 16);
    }
    used += entry.length;
  }
  bytes.resize(end);
  return bytes;
}

WordCounts WordCounts::unpack(std::string_view bytes) {
  WordCounts counts;
  const std::uint64_t size = take_number(bytes);
  if (size > bytes.size() / 3) damaged();  // each word takes at least three bytes
  counts.entries_ = std::make_unique_for_overwrite<Entry[]>(size);
  counts.size_ = size;
  const std::span<Entry> entries(counts.entries_.get(), size);
  for (Entry& entry : entries) {
    const std::uint64_t length = take_number(bytes);
    if (length == 0 || length > std::numeric_limits<std::uint32_t>::max()) damaged();
    entry.length = static_cast<std::uint32_t>(length);
  }
  for (Entry& entry : entries) {
    entry.count = take_number(bytes);
    if (entry.count == 0) damaged();
  }
  if (has_white_space(bytes)) damaged();
  for (Entry& entry : entries) {
    if (entry.length > bytes.size()) damaged();
    char padded[16] = {};
    std::memcpy(padded, bytes.data(), std::min<std::size_t>(entry.length, sizeof padded));
    entry.head = load_8(padded);
    entry.tail = load_8(padded + 8);
    if (entry.is_long()) {
      entry.hash = hash_long(bytes.data(), entry.length);
      entry.tail = counts.text_.size();
      counts.text_.append(bytes.data(), entry.length);
    } else {
      entry.hash = hash_short(entry.head, entry.tail, entry.length);
    }
    if (&entry != entries.data() && compare(*(&entry - 1), counts.text_, entry, counts.text_) >= 0) damaged();
    bytes.remove_prefix(entry.length);
  }
  if (!bytes.empty()) damaged();
  return counts;
}

WordTable::WordTable() : slots_(std::size_t{1} << first_bits), shift_(32 - first_bits) {}

WordCounts WordTable::take() {
  WordCounts counts(entries_, text_, rough_);
  clear();
  return counts;
}

void WordTable::clear() {
  if (entries_.empty()) return;
  if (slots_.size() > 64 * (entries_.size() + (std::size_t{1} << first_bits))) {
    *this = WordTable();  // after a chunk with many words, the next ones must not clear so large a table each
    return;
  }
  std::fill(slots_.begin(), slots_.end(), 0);
  entries_.clear();
  text_.clear();
}

void WordTable::count(std::span<const char> block) {
  if (block.size() > std::numeric_limits<std::uint32_t>::max()) throw std::length_error("a block of 4 GiB");
  // Three passes over a piece of text at a time, each without a branch that depends on the text: edges, keys, look-ups.
  constexpr std::size_t stretch = 2048;  // bytes; all that the passes write stays in the first-level cache
  std::uint32_t edges[stretch + 64 + 2];
  Token tokens[batch];
  const char* const begin = block.data();
  std::size_t known = 0;     // edges found and not used yet: a word's begin, a word's end, …
  std::uint64_t inside = 0;  // 1: the byte before is part of a word
  for (std::size_t from = 0; from < block.size(); from += stretch) {
    const std::size_t to = std::min(from + stretch, block.size());
    for (std::size_t at = from; at < to; at += 64) {
      std::uint64_t word = ~white_space_bits(begin + at);
      if (to - at < 64) word &= ~(~std::uint64_t{0} << (to - at));
      std::uint64_t changes = word ^ (word << 1 | inside);
      inside = word >> 63;
      const int found = std::popcount(changes);
      std::uint32_t* out = edges + known;
      for (int done = 0; done < found; done += 8) {
        for (int i = 0; i < 8; ++i) {
          out[i] = static_cast<std::uint32_t>(at) + static_cast<std::uint32_t>(std::countr_zero(changes));
          changes &= changes - 1;
        }
        out += 8;
      }
      known += static_cast<std::size_t>(found);
    }
    if (to == block.size() && known % 2 == 1) edges[known++] = static_cast<std::uint32_t>(to);
    std::size_t used = 0;
    while (used + 1 < known) {
      const std::size_t count = std::min((known - used) / 2, batch);
      for (std::size_t i = 0; i < count; ++i, used += 2) {
        Token& token = tokens[i];
        token.word = begin + edges[used];
        token.length = edges[used + 1] - edges[used];
        const Mask& mask = masks[std::min<std::size_t>(token.length, 16)];
        token.head = load_8(token.word) & mask.head;
        token.tail = load_8(token.word + 8) & mask.tail;
        token.hash = hash_short(token.head, token.tail, token.length);
        if (token.length > 16) token.hash = hash_long(token.word, token.length);
        __builtin_prefetch(&slots_[token.hash >> shift_]);
      }
      for (std::size_t i = 0; i < count; ++i) {
        const auto place = static_cast<std::uint32_t>(slots_[tokens[i].hash >> shift_]);
        __builtin_prefetch(entries_.data() + (std::max(place, 1U) - 1));
      }
      for (std::size_t i = 0; i < count; ++i) put(tokens[i]);
    }
    if (used < known) edges[0] = edges[used];
    known -= used;
  }
}

void WordTable::put(const Token& token) {
  std::size_t slot = token.hash >> shift_;
  for (;; slot = (slot + 1) & (slots_.size() - 1)) {
    const std::uint64_t seen = slots_[slot];
    if (seen == 0) return insert(token, slot);
    if (seen >> 32 != token.hash) continue;
    Entry& entry = entries_[static_cast<std::uint32_t>(seen) - 1];
    if (entry.head != token.head || entry.length != token.length) continue;
    if (entry.is_long()) {
      if (std::memcmp(text_.data() + entry.tail + 8, token.word + 8, token.length - 8) != 0) continue;
    } else if (entry.tail != token.tail) {
      continue;
    }
    ++entry.count;
    return;
  }
}

void WordTable::insert(const Token& token, std::size_t slot) {
  if (entries_.size() == std::numeric_limits<std::uint32_t>::max()) {
    throw std::length_error("more than 4,294,967,295 different words");
  }
  entries_.push_back({token.head, token.tail, 1, token.length, token.hash});
  if (token.length > 16) {
    entries_.back().tail = text_.size();
    text_.append(token.word, token.length);
  }
  slots_[slot] = static_cast<std::uint64_t>(token.hash) << 32 | entries_.size();
  if (entries_.size() * 2 > slots_.size()) grow();
}

void WordTable::grow() {
  std::vector<std::uint64_t> larger(slots_.size() * 4);
  shift_ -= 2;
  for (std::uint64_t seen : slots_) {
    if (seen == 0) continue;
    std::size_t slot = (seen >> 32) >> shift_;
    while (larger[slot] != 0) slot = (slot + 1) & (larger.size() - 1);
    larger[slot] = seen;
  }
  slots_ = std::move(larger);
}

}  // namespace words
