// SPDX-License-Identifier: Apache-2.0
#include "cli/relay.hpp"

#include <gtest/gtest.h>

#include <string>

namespace stint {
namespace {

/// What is shown of a text that comes in pieces of `size` bytes.
std::string shown(const std::string& text, std::size_t size) {
  std::string held, all;
  for (std::size_t at = 0; at < text.size(); at += size) all += without_noise(held, text.substr(at, size), false);
  return all + without_noise(held, "", true);
}

TEST(RelayTest, LeavesOutWhatMpirunSaysOfItself) {
  const std::string noise = "[node7:20829] PMIX ERROR: BAD-PARAM in file event.c at line 1033\n";
  const std::string words = "stint: lost node7/1.d5bcc4a8: its process is gone\n[node7:1] a line of a job\n[no host\n[";
  for (std::size_t size : {1U, 3U, 7U, 1000U}) {
    EXPECT_EQ(shown(noise + words, size), words) << size;
    EXPECT_EQ(shown("\n" + noise + noise + words, size), "\n" + words) << size;
  }
}

TEST(RelayTest, ShowsABarWithoutItsLineEnd) {
  std::string held;
  const std::string bar = "\r\x1b[K[###.....]  37%";
  EXPECT_EQ(without_noise(held, bar, false), bar) << "at once";
  EXPECT_EQ(shown(bar, 4), bar);
}

}  // namespace
}  // namespace stint
