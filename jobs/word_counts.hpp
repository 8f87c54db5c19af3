// SPDX-License-Identifier: Apache-2.0
// How often each word occurs: `WordTable` counts, `WordCounts` is what it counted.
//
// A word of up to 16 bytes is its own key: two loads, no text elsewhere, no call to compare. Longer words have their
// bytes in one arena. While counting, the entries are dense, in the order of their first occurrence, so that the frequent
// words share few cache lines; slots of (hash, place) find them. WordCounts has no slots: its entries and
// its arena are in the order of the hash, so that two of them merge in one pass, without look-ups and hashing, and
// memory is read and written only from front to back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace words {

struct Entry {
  std::uint64_t head;  ///< the first 8 bytes, padded with zeros
  std::uint64_t tail;  ///< the next 8, padded with zeros; for a word of more than 16 bytes, its place in the text
  std::uint64_t count;
  std::uint32_t length;  ///< bytes
  std::uint32_t hash;

  [[nodiscard]] bool is_long() const { return length > 16; }
};

/// Words and their counts, each word once; changed only by merging. Equal contents have equal bytes.
class WordCounts {
 public:
  WordCounts() = default;

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<const Entry> entries() const { return {entries_.get(), size_}; }
  /// Valid as long as this object and the entry exist.
  [[nodiscard]] std::string_view text(const Entry& entry) const;

  void merge(WordCounts right);

  /// The number of words; then, each for all words in order, the lengths, the counts, and the bytes of the words.
  /// Numbers are in groups of 7 bits, the lowest first; the last group is below 128. The order is not that of the bytes:
  /// it would compress to half, but sorting and hashing again would cost more than everything else together.
  [[nodiscard]] std::string pack() const;
  /// Throws std::runtime_error for bytes that `pack` does not write.
  static WordCounts unpack(std::string_view bytes);

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    std::string bytes;
    if constexpr (Archive::is_saving::value) bytes = pack();
    archive & bytes;
    if constexpr (Archive::is_loading::value) *this = unpack(bytes);
  }

 private:
  friend class WordTable;

  /// Sorts entries, each of a different word. `text`: the arena of the long words.
  /// `rough` is working memory; keep it from call to call, so that the kernel need not map new pages each time.
  WordCounts(std::span<const Entry> entries, std::string_view text, std::vector<Entry>& rough);

  std::unique_ptr<Entry[]> entries_;  // by hash, then by bytes
  std::size_t size_ = 0;
  std::string text_;  // of the long words, in the order of the entries
};

class WordTable {
 public:
  WordTable();

  /// Counts the words of `block`; the last word ends at the end of the block. Reads up to `padding` bytes after it.
  /// Throws std::length_error for a block of 4 GiB or more.
  void count(std::span<const char> block);
  /// Returns the counts. The table is then empty and keeps its memory.
  [[nodiscard]] WordCounts take();
  /// Drops the counts; keeps the memory, unless there is far too much of it.
  void clear();

  static constexpr std::size_t padding = 64;

 private:
  struct Token {
    std::uint64_t head, tail;
    const char* word;
    std::uint32_t length, hash;
  };
  void put(const Token& token);
  void insert(const Token& token, std::size_t slot);
  void grow();

  std::vector<std::uint64_t> slots_;  // hash in the upper half, place in entries_ plus one in the lower; 0 is empty
  unsigned shift_;                    // hash >> shift_ is the first slot to look at
  std::vector<Entry> entries_;
  std::string text_;
  std::vector<Entry> rough_;  // working memory of take()
};

}  // namespace words
