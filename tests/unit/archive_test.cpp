// SPDX-License-Identifier: Apache-2.0
// Values to bytes and back; of bytes that are none no length is believed.
#include <stint/archive.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace stint::archive {
namespace {

struct Nothing {
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};

struct Everything {
  std::string text;
  std::vector<double> numbers;
  std::vector<std::string> texts;
  std::map<std::string, bool> flags;
  std::vector<Nothing> nothings;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & text & numbers & texts & flags & nothings;
  }
};

Everything filled() {
  return {std::string("a\0b", 3), {0.1, -0.0}, {"", std::string(100, 'x')}, {{"yes", true}, {"no", false}}, std::vector<Nothing>(1000)};
}

TEST(ArchiveTest, GivesBackWhatItWasGiven) {
  const auto bytes = encode(filled());
  const auto back = decode<Everything>(bytes);
  EXPECT_EQ(back.text, filled().text);
  EXPECT_EQ(back.numbers, filled().numbers);
  EXPECT_EQ(back.texts, filled().texts);
  EXPECT_EQ(back.flags, filled().flags);
  EXPECT_EQ(back.nothings.size(), 1000U);
  EXPECT_EQ(encode(back), bytes);
}

TEST(ArchiveTest, RefusesEveryCut) {
  const auto bytes = encode(filled());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(decode<Everything>(std::string_view(bytes).substr(0, size)), DecodeError) << size;
  }
  EXPECT_THROW(decode<Everything>(bytes + "x"), DecodeError);
}

// Without the check this takes 16 GiB, and the machine may have them.
TEST(ArchiveTest, BelievesNoLength) {
  const std::uint64_t length = std::uint64_t{1} << 34;
  const auto refusal = [&](auto value) -> std::string {
    auto bytes = encode(value);
    const auto at = bytes.find(encode(std::uint64_t{7}));
    if (at == bytes.npos) return "no length";
    bytes.replace(at, sizeof length, encode(length));
    try {
      decode<decltype(value)>(bytes);
    } catch (const DecodeError& error) {
      return error.what();
    }
    return "taken";
  };
  EXPECT_EQ(refusal(std::string(7, 'x')), "not an archive of this type: a text that is longer than all bytes");
  EXPECT_EQ(refusal(std::vector<double>(7)), "not an archive of this type: more elements than bytes");
  EXPECT_EQ(refusal(std::vector<std::string>(7)), "not an archive of this type: more elements than bytes");
}

TEST(ArchiveTest, KnowsTwoTruthsOnly) {
  auto bytes = encode(std::map<int, bool>{{5, true}});
  ASSERT_EQ(bytes.back(), 1);
  bytes.back() = 2;
  EXPECT_THROW((decode<std::map<int, bool>>(bytes)), DecodeError);
}

}  // namespace
}  // namespace stint::archive
