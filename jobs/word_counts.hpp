// SPDX-License-Identifier: Apache-2.0
// How often each word occurs: `WordTable` counts, `WordCounts` is what it counted.
//
// A word of up to 16 bytes is its own key: two loads, no text elsewhere, no call to compare. Longer ones have their
// bytes in one arena. While counting, the entries lie densely in the order of their first sight, so that the frequent
// words share few cache lines, and slots of (hash, place) find them. What is handed on has no slots: its entries and
// its arena are in the order of the hash, so that two of them merge in one pass, with no look-up and no hashing, and
// memory is read and written from front to back only.
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
  std::uint64_t tail;  ///< the next 8, padded with zeros; of a word of more than 16 bytes its place in the text
  std::uint64_t count;
  std::uint32_t length;  ///< bytes
  std::uint32_t hash;

  [[nodiscard]] bool is_long() const { return length > 16; }
};

/// Words and their counts, each word once; never changed but by merging. Equal contents have equal bytes.
class WordCounts {
 public:
  WordCounts() = default;

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<const Entry> entries() const { return {entries_.get(), size_}; }
  /// Valid as long as this object and the entry are.
  [[nodiscard]] std::string_view text(const Entry& entry) const;

  void merge(WordCounts right);

  /// How many words; then, each for all words in their order, the lengths, the counts, and the bytes of the words.
  /// Numbers are in groups of 7 bits, the lowest first, and the last one below 128. The order is not that of the bytes:
  /// it would compress better by half, but to sort and to hash anew costs more than all else that is done with it.
  [[nodiscard]] std::string pack() const;
  /// Throws std::runtime_error for anything that `pack` does not write.
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

  /// Puts entries, each a word of its own, in order. `text`: where those of long words point into.
  /// `rough` is room to work in; kept from call to call, it spares the kernel to hand out the same pages anew.
  WordCounts(std::span<const Entry> entries, std::string_view text, std::vector<Entry>& rough);

  std::unique_ptr<Entry[]> entries_;  // by hash, then by bytes
  std::size_t size_ = 0;
  std::string text_;  // of the long words, in the order of the entries
};

class WordTable {
 public:
  WordTable();

  /// Counts the words of `block`; the last one ends where the block does. Reads up to `padding` bytes behind it.
  /// Throws std::length_error for a block of 4 GiB or more.
  void count(std::span<const char> block);
  /// Hands over what was counted; the table is empty then and keeps its memory for the next time.
  [[nodiscard]] WordCounts take();
  /// Forgets what was counted; keeps the memory, unless it is out of all proportion.
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
  unsigned shift_;                    // hash >> shift_ is the slot to look at first
  std::vector<Entry> entries_;
  std::string text_;
  std::vector<Entry> rough_;  // room for take()
};

}  // namespace words
