// SPDX-License-Identifier: Apache-2.0
// The words of tricky texts, cut everywhere, against a reference of a few lines.
#include "wordcount.hpp"

#include "support/run_in_process.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace stint {
namespace {

using namespace std::string_literals;
using support::InProcess;
using support::TemporaryFolder;
using words::WordCounts;
using words::WordTable;

using Reference = std::map<std::string, std::uint64_t>;

bool is_white_space(char c) { return " \t\n\v\f\r"s.find(c) != std::string::npos; }

void count_into(Reference& counts, std::string_view text) {
  std::string word;
  for (char c : text) {
    if (!is_white_space(c)) {
      word += c;
    } else if (!word.empty()) {
      ++counts[word];
      word.clear();
    }
  }
  if (!word.empty()) ++counts[word];
}

std::string printed(const Reference& counts) {
  std::vector<std::pair<std::string, std::uint64_t>> order(counts.begin(), counts.end());
  std::stable_sort(order.begin(), order.end(), [](auto& a, auto& b) { return a.second > b.second; });
  std::string text;
  for (const auto& [word, count] : order) text += std::to_string(count) + '\t' + word + '\n';
  return text;
}

Reference contents(const WordCounts& counts) {
  Reference found;
  for (const words::Entry& entry : counts.entries()) {
    EXPECT_TRUE(found.emplace(counts.text(entry), entry.count).second) << "twice: " << counts.text(entry);
  }
  return found;
}

WordCounts counts_of(std::string text) {
  WordTable table;
  const std::size_t size = text.size();
  text.append(WordTable::padding, 'Q');  // what lies behind a block must not matter
  table.count({text.data(), size});
  return table.take();
}

/// Words of 1 to 40 bytes, many of them with a long common beginning, and some that come often.
std::string random_text(unsigned seed, int words) {
  std::mt19937 random(seed);
  std::string text;
  for (int i = 0; i < words; ++i) {
    const auto length = 1 + random() % (random() % 4 == 0 ? 40 : 8);
    std::string word(length, 'a');
    for (unsigned k = random() % 3; k < 3; ++k)
      word[random() % length] = static_cast<char>("abc\0\xff\x80"[random() % 6]);
    text += word;
    text += " \t\n\v\f\r"[random() % 6];
  }
  return text;
}

const std::vector<std::string> tricky{"the quick brown fox\n",
                                      "jumps over",
                                      "",
                                      "  \n\t ",
                                      "the\r\nlazy\r\ndog\r\n",
                                      "x",
                                      "nul\0inside nul nul\0"s,
                                      "a\vb\fc \x1c\x1d\x85\xa0",
                                      "sixteen-bytes-xx sixteen-bytes-xxy sixteen-bytes-xx\0 seventeen-bytes-x"s,
                                      "caf\xc3\xa9 CAF\xc3\x89 The THE [`{@"};

TEST(WordTable, CountsAsTheReferenceDoesAtEveryPlaceOfABlock) {
  const std::string text = random_text(1, 200);
  for (std::size_t from = 0; from < 70; ++from) {
    for (std::size_t length :
         {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65}, text.size() - from}) {
      Reference expected;
      count_into(expected, std::string_view(text).substr(from, length));
      ASSERT_EQ(contents(counts_of(text.substr(from, length))), expected) << from << ' ' << length;
    }
  }
}

TEST(WordTable, GrowsAndIsUsedAgain) {
  WordTable table;
  for (int round = 0; round < 3; ++round) {
    std::string text = random_text(2, round == 1 ? 100 : 100'000);
    Reference expected;
    count_into(expected, text);
    const std::size_t size = text.size();
    text.append(WordTable::padding, 'Q');
    table.count({text.data(), size});
    EXPECT_EQ(contents(table.take()), expected);
  }
}

TEST(WordTable, CountsTextThatIsLongerThanOneStretch) {
  for (std::size_t size : {2047, 2048, 2049, 4096, 10'000}) {
    EXPECT_EQ(contents(counts_of(std::string(size, 'w'))), (Reference{{std::string(size, 'w'), 1}}));
    EXPECT_EQ(contents(counts_of(std::string(size, 'w') + " b")), (Reference{{std::string(size, 'w'), 1}, {"b", 1}}));
    std::string shortest;
    for (std::size_t i = 0; i < size; ++i) shortest += "a ";
    EXPECT_EQ(contents(counts_of(shortest)), (Reference{{"a", size}}));
  }
}

TEST(WordCounts, HasTheSameBytesWhateverTheOrderOfMerging) {
  std::vector<std::string> texts;
  Reference expected;
  for (unsigned seed = 0; seed < 6; ++seed) {
    texts.push_back(random_text(seed, 3000));
    count_into(expected, texts.back());
  }
  texts.emplace_back();
  std::string bytes;
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    std::vector<WordCounts> parts;
    for (const std::string& text : texts) parts.push_back(counts_of(text));
    while (parts.size() > 1) {
      std::swap(parts[random() % parts.size()], parts.back());
      WordCounts last = std::move(parts.back());
      parts.pop_back();
      parts[random() % parts.size()].merge(std::move(last));
    }
    if (round == 0) bytes = parts.front().pack();
    EXPECT_EQ(parts.front().pack(), bytes);
    EXPECT_EQ(contents(parts.front()), expected);
  }
}

TEST(WordCounts, SurvivesTheArchive) {
  for (const std::string& text : {""s, "a"s, random_text(3, 5000), "w"s + std::string(300'000, 'w') + " w"}) {
    const std::string bytes = archive::encode(counts_of(text));
    const auto back = archive::decode<WordCounts>(bytes);
    EXPECT_EQ(contents(back), contents(counts_of(text)));
    EXPECT_EQ(archive::encode(back), bytes);
  }
}

TEST(WordCounts, PacksLittleMoreThanTheWords) {
  EXPECT_EQ(counts_of("abc abc").pack(), "\1\3\2abc"s);
  EXPECT_EQ(counts_of("").pack(), "\0"s);
}

TEST(WordCounts, RefusesDamagedBytes) {
  const std::string good = counts_of("a bb").pack();  // two words, in the order of their hashes
  ASSERT_EQ(good.size(), 8U);
  const bool short_first = good[1] == 1;
  const std::string other_order = short_first ? "\2\2\1\1\1bba"s : "\2\1\2\1\1abb"s;
  ASSERT_NE(good, other_order);
  const std::vector<std::string> damaged{""s,
                                         "\1"s,
                                         "\1\1"s,
                                         "\1\1\1"s,
                                         "\1\2\1a"s,  // cut off
                                         "\1\1\1ab"s,
                                         "\0a"s,  // bytes left over
                                         "\1\0\1a"s,
                                         "\1\1\0a"s,  // an empty word, a count of zero
                                         other_order,
                                         "\2\1\1\1\1aa"s,  // not in order, a word twice
                                         "\1\3\1a b"s,     // white space
                                         "\1\1\x80\0a"s,
                                         "\x81\0\1\1a"s,                                  // numbers written otherwise
                                         "\1\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\2a"s,  // and too large
                                         "\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\1a"s,
                                         "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\1\1a"s};
  for (const std::string& bytes : damaged) {
    EXPECT_THROW(WordCounts::unpack(bytes), std::runtime_error) << testing::PrintToString(bytes);
  }
}

TEST(WordCounts, RefusesOrReadsEveryDamagedByteWithoutHarm) {
  const std::string bytes = counts_of(random_text(4, 200)).pack();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (unsigned char flip : {0x01, 0x80, 0xff}) {
      std::string other = bytes;
      other[i] = static_cast<char>(static_cast<unsigned char>(other[i]) ^ flip);
      try {
        EXPECT_EQ(WordCounts::unpack(other).pack(), other);  // there is one way to write each content
      } catch (const std::runtime_error&) {
      }
    }
  }
}

TEST(WordCounts, RefusesAnArchiveThatIsCutOff) {
  const std::string bytes = archive::encode(counts_of(random_text(4, 60)));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(archive::decode<WordCounts>(bytes.substr(0, size)), archive::DecodeError);
  }
}

class WordcountFiles : public ::testing::Test {
 protected:
  WordcountFiles() {
    for (const std::string& text : tricky) {
      files.push_back(folder.write("file" + std::to_string(files.size()), text));
      count_into(expected, text);
    }
  }
  TemporaryFolder folder;
  std::vector<std::string> files;
  Reference expected;
};

TEST_F(WordcountFiles, AreCountedAlikeForEveryChunkSizeAndEveryRange) {
  for (std::uint64_t chunk_bytes = 1; chunk_bytes <= 64; ++chunk_bytes) {
    InProcess<Wordcount> run({{"files", files}, {"top", {"0"}}, {"chunk-size", {std::to_string(chunk_bytes)}}});
    ASSERT_EQ(run.result(), printed(expected)) << chunk_bytes;
    const std::string bytes = run.partial({{0, run.chunks()}});
    for (std::uint64_t length : {1, 3, 8}) ASSERT_EQ(run.partial(run.ranges_of(length)), bytes) << chunk_bytes;
  }
}

TEST_F(WordcountFiles, PrintTheTopWordsByCountAndThenByBytes) {
  InProcess<Wordcount> run({{"files", files}, {"top", {"3"}}});
  const std::string all = printed(expected);
  EXPECT_EQ(run.result(), all.substr(0, all.find('\n', all.find('\n', all.find('\n') + 1) + 1) + 1));
}

TEST_F(WordcountFiles, AreFoldedInAsciiOnly) {
  Reference folded;
  for (std::string text : tricky) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    count_into(folded, text);
  }
  InProcess<Wordcount> run({{"files", files}, {"top", {"0"}}, {"fold-case", {}}});
  EXPECT_EQ(run.result(), printed(folded));
}

TEST_F(WordcountFiles, MayBeNamedByAListOrADirectory) {
  std::string list;
  for (const std::string& file : files) list += file + '\n';
  EXPECT_EQ(InProcess<Wordcount>({{"files-from", {folder.write("list/of", list)}}, {"top", {"0"}}}).result(),
            printed(expected));
  std::filesystem::remove_all(folder.path() / "list");
  EXPECT_EQ(InProcess<Wordcount>({{"files", {folder.path()}}, {"top", {"0"}}}).result(), printed(expected));
}

TEST(Wordcount, OfEmptyFilesIsEmpty) {
  TemporaryFolder folder;
  InProcess<Wordcount> run({{"files", {folder.write("a", ""), folder.write("b", "")}}});
  EXPECT_EQ(run.chunks(), 0U);
  EXPECT_EQ(run.result(), "");
}

TEST(Wordcount, CountsAWordOfManyChunksOnce) {
  TemporaryFolder folder;
  const std::string word(5 << 20, 'w');
  InProcess<Wordcount> run(
      {{"files", {folder.write("a", "a " + word + " b a")}}, {"top", {"0"}}, {"chunk-size", {"64K"}}});
  EXPECT_GT(run.chunks(), 80U);
  EXPECT_EQ(run.result(run.ranges_of(7)), printed({{"a", 2}, {"b", 1}, {word, 1}}));
}

TEST(Wordcount, AgreesWithTheReferenceOnRandomText) {
  TemporaryFolder folder;
  std::vector<std::string> files;
  Reference expected;
  for (unsigned seed = 10; seed < 14; ++seed) {
    const std::string text = random_text(seed, 20'000);
    files.push_back(folder.write(std::to_string(seed), text));
    // A file's last word ends with the file.
    count_into(expected, text);
  }
  InProcess<Wordcount> run({{"files", files}, {"top", {"0"}}, {"chunk-size", {"10007"}}});
  EXPECT_EQ(run.result(run.ranges_of(5)), printed(expected));
}

TEST(Wordcount, StopsWhenAsked) {
  TemporaryFolder folder;
  const std::atomic<bool> stop{true};
  InProcess<Wordcount> run({{"files", {folder.write("a", "some words")}}}, {.stop = &stop});
  EXPECT_ANY_THROW(run.result());
}

}  // namespace
}  // namespace stint
