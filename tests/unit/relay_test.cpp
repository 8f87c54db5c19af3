// SPDX-License-Identifier: Apache-2.0
#include "cli/relay.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace stint {
namespace {

const std::string mark = "[call] ";
void nobody(const std::string&) {}

/// What is shown of a text that comes in pieces of `size` bytes.
std::string shown(const std::string& text, std::size_t size,
                  const std::function<void(const std::string&)>& told = nobody) {
  std::string held, all;
  for (std::size_t at = 0; at < text.size(); at += size) all += without_noise(held, text.substr(at, size), false, mark, told);
  return all + without_noise(held, "", true, mark, told);
}

TEST(RelayTest, LeavesOutWhatMpirunSaysOfItself) {
  const std::string noise = "[node7:20829] PMIX ERROR: BAD-PARAM in file event.c at line 1033\n";
  const std::string words = "stint: lost node7/1.d5bcc4a8: its process is gone\n[node7:1] a line of a job\n[no host\n[";
  for (std::size_t size : {1U, 3U, 7U, 1000U}) {
    EXPECT_EQ(shown(noise + words, size), words) << size;
    EXPECT_EQ(shown("\n" + noise + noise + words, size), "\n" + words) << size;
    EXPECT_EQ(shown("[vm:1] [[23607,0],0] ORTE_ERROR_LOG: The system limit on number of children was reached\n[vm:1] [[2]\n", size),
              "[vm:1] [[2]\n");
  }
}

TEST(RelayTest, HearsWhatRanksTellTheLauncher) {
  for (std::size_t size : {1U, 3U, 1000U}) {
    std::vector<std::string> lines;
    EXPECT_EQ(shown("[cal] no\n[call] begun\na line\n\r\x1b[Kbar 37%[call] exit 1 result\n[1,0]<stderr>:[call] exit 75 \n[call]",
                    size, [&](const std::string& line) { lines.push_back(line); }),
              "[cal] no\na line\n\r\x1b[Kbar 37%[1,0]<stderr>:[call]");
    EXPECT_EQ(lines, (std::vector<std::string>{"begun", "exit 1 result", "exit 75 "})) << size;
  }
}

TEST(RelayTest, ShowsABarWithoutItsLineEnd) {
  std::string held;
  const std::string bar = "\r\x1b[K[###.....]  37%";
  EXPECT_EQ(without_noise(held, bar, false, mark, nobody), bar) << "at once";
  EXPECT_EQ(shown(bar, 4), bar);
}

}  // namespace
}  // namespace stint
