// SPDX-License-Identifier: Apache-2.0
#include "codec/frame.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace stint::codec
