// SPDX-License-Identifier: Apache-2.0
#include "codec/frame.hpp"

#include <gtest/gtest.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <string>

namespace stint::codec {
namespace {

const Label label{'n', 0x1234, 8};

std::string long_text() {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += static_cast<char>('a' + i % 7);
  return text;
}

TEST(FrameTest, GivesBackWhatWasWrapped) {
  for (const auto& payload : {std::string(), std::string("short"), std::string("\0\xff", 2), long_text()}) {
    EXPECT_EQ(unwrap(label, wrap(label, payload)), payload);
  }
  EXPECT_LT(wrap(label, long_text()).size(), 2000U) << "what is long is compressed";
}

TEST(FrameTest, RefusesEveryChangedByte) {
  for (const auto& payload : {std::string("some payload"), long_text()}) {
    const auto frame = wrap(label, payload);
    for (std::size_t at = 0; at < frame.size(); ++at) {
      auto damaged = frame;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
      EXPECT_THROW(unwrap(label, damaged), FrameError) << "byte " << at;
    }
  }
}

TEST(FrameTest, RefusesEveryCutAndWhatIsTooLong) {
  const auto frame = wrap(label, "some payload");
  for (std::size_t size = 0; size < frame.size(); ++size) {
    EXPECT_THROW(unwrap(label, frame.substr(0, size)), FrameError) << size << " bytes";
  }
  EXPECT_THROW(unwrap(label, frame + "x"), FrameError);
}

TEST(FrameTest, RefusesForeignValuesAndThoseOfOtherTypesOrChunks) {
  EXPECT_THROW(unwrap(label, std::string(1 << 20, 'x')), FrameError);
  const auto frame = wrap(label, "payload");
  EXPECT_THROW(unwrap({'r', 0x1234, 8}, frame), FrameError);
  EXPECT_THROW(unwrap({'n', 0x1235, 8}, frame), FrameError);
  EXPECT_THROW(unwrap({'n', 0x1234, 9}, frame), FrameError);
}

TEST(FrameTest, RefusesAGoodValueInThePlaceOfAnother) {
  const auto at = [](const char* identity, std::uint64_t chunks, const char* name) {
    return Label{'n', 0x1234, 2, place_of(identity, chunks, name)};
  };
  const auto frame = wrap(at("{\"seed\":1}", 64, "1:3"), "payload");
  EXPECT_EQ(unwrap(at("{\"seed\":1}", 64, "1:3"), frame), "payload");
  for (const auto& other : {at("{\"seed\":2}", 64, "1:3"), at("{\"seed\":1}", 65, "1:3"), at("{\"seed\":1}", 64, "1:1")}) {
    EXPECT_THROW(unwrap(other, frame), FrameError);
  }
}

TEST(FrameTest, ALengthIsNotBelievedBeforeMemoryIsTaken) {
  auto frame = wrap(label, long_text());
  const std::uint64_t length = std::uint64_t{2} << 30;
  std::memcpy(frame.data() + 24, &length, sizeof length);
  const auto sum = XXH3_64bits_withSeed(frame.data() + 40, frame.size() - 40,
                                        XXH3_64bits_withSeed(frame.data(), 32, label.place));
  std::memcpy(frame.data() + 32, &sum, sizeof sum);  // all else is right
  EXPECT_THROW(unwrap(label, frame), FrameError);
  const std::string zeros(std::size_t{100} << 20, '\0');
  const auto small = wrap(label, zeros);
  EXPECT_LT(small.size(), zeros.size() / 1000) << "what compresses well is stored so, and counts so against --partial-limit";
  EXPECT_EQ(unwrap(label, small).size(), zeros.size());
}

TEST(FrameTest, SaysThatAnOlderFormatCannotBeRead) {
  auto frame = wrap(label, "payload");
  frame[4] = 1;
  try {
    unwrap(label, frame);
    FAIL();
  } catch (const FrameError& error) {
    EXPECT_STREQ(error.what(), "written in format 1, and this program knows format 2");
  }
}

}  // namespace
}  // namespace stint::codec
