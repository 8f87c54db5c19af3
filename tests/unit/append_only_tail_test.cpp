// SPDX-License-Identifier: Apache-2.0
#include "cli/append_only_tail.hpp"

#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string>

namespace stint {
namespace {

std::string command(std::initializer_list<std::string> words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const auto& word : words) text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return text;
}

const std::string select_zero = command({"SELECT", "0"});
const std::string script = command({"MULTI"}) + command({"SET", "MULTI", "1\r\n*1\r\n$5\r\nMULTI\r\n"}) + command({"EXEC"});

class AppendOnlyTailTest : public ::testing::Test {
 protected:
  /// The bytes cut from a file with this text.
  std::uint64_t cut(const std::string& text) {
    std::ofstream(folder.path() / "appendonly.aof.manifest") << "file base.rdb seq 1 type b\nfile old.aof seq 1 type i\n"
                                                             << "file incr.aof seq 2 type i\n";
    std::ofstream(folder.path() / "incr.aof", std::ios::binary) << text;
    return cut_open_transaction(folder.path());
  }
  std::string left() {
    std::stringstream text;
    text << std::ifstream(folder.path() / "incr.aof", std::ios::binary).rdbuf();
    return text.str();
  }
  support::TemporaryFolder folder;
};

TEST_F(AppendOnlyTailTest, LeavesAWholeFileAlone) {
  EXPECT_EQ(cut(select_zero + script + "#TS:1700000000\r\n" + script), 0U);
  EXPECT_EQ(cut(""), 0U);
}

TEST_F(AppendOnlyTailTest, CutsATransactionWithoutItsEndWhereverItWasTorn) {
  const auto whole = select_zero + script;
  // From behind MULTI to the last byte of EXEC.
  for (std::size_t size = command({"MULTI"}).size(); size < script.size(); ++size) {
    EXPECT_EQ(cut(whole + script.substr(0, size)), size) << size;
    EXPECT_EQ(left(), whole) << size;
  }
}

TEST_F(AppendOnlyTailTest, LeavesWhatIsDamagedToRedis) {
  const auto damaged = select_zero + command({"MULTI"}) + "nonsense\r\n" + command({"EXEC"}) + script;
  EXPECT_EQ(cut(damaged), 0U);
  EXPECT_EQ(left(), damaged);
}

TEST_F(AppendOnlyTailTest, MindsNoFolderAndNoManifest) {
  EXPECT_EQ(cut_open_transaction(folder.path() / "none"), 0U);
  EXPECT_EQ(cut_open_transaction(folder.path()), 0U);
}

}  // namespace
}  // namespace stint
