// SPDX-License-Identifier: Apache-2.0
#include "cli/board_place.hpp"
#include "cli/home_board.hpp"
#include "cli/private_file.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace stint {
namespace {

namespace fs = std::filesystem;

class BoardPlaceTest : public ::testing::Test {
 protected:
  [[nodiscard]] fs::path home() const { return folder.path(); }
  void say(const std::string& line) const { write_private(connection_file(home()), line + "\n"); }
  const redis::Address told = redis::parse_address("redis://:ours@198.51.100.1:7001");
  support::TemporaryFolder folder;
};

TEST_F(BoardPlaceTest, OfAnAddressStays) {
  BoardPlace place(told);
  say("redis://:ours@198.51.100.2:7002");
  EXPECT_EQ(place.now(9).whole(), told.whole());
}

TEST_F(BoardPlaceTest, FollowsABoardFile) {
  BoardPlace place(told, folder.path() / "elsewhere");
  EXPECT_EQ(place.now(0).whole(), told.whole());
  write_private(folder.path() / "elsewhere", "redis://:other@198.51.100.2:7002\n");
  EXPECT_EQ(place.now(1).whole(), "redis://:other@198.51.100.2:7002");
  write_private(folder.path() / "elsewhere", "no address\n");
  EXPECT_EQ(place.now(2).whole(), "redis://:other@198.51.100.2:7002");
}

TEST_F(BoardPlaceTest, FollowsTheConnectionFileOfAHomeThatHasItsSecret) {
  BoardPlace place(told, home(), "auto");
  EXPECT_EQ(place.now(0).whole(), told.whole());
  say("redis://:ours@198.51.100.2:7002");
  EXPECT_EQ(place.now(0).whole(), "redis://:ours@198.51.100.2:7002");
  say("redis://:theirs@198.51.100.3:7003");  // a folder of this host alone, with a blackboard of its own
  EXPECT_EQ(place.now(1).whole(), "redis://:ours@198.51.100.2:7002");
  fs::remove(connection_file(home()));
  EXPECT_EQ(place.now(1).whole(), "redis://:ours@198.51.100.2:7002");
}

TEST(PrivateFile, IsForTheUserAloneAndReplacedWhole) {
  const support::TemporaryFolder folder;
  const auto file = folder.path() / "file";
  for (const auto* text : {"first\n", "second\n"}) {
    write_private(file, text);
    EXPECT_EQ(line_of(file) + "\n", text);
    EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(PrivateFile, IsMadeOnceByWhoeverIsFirst) {
  const support::TemporaryFolder folder;
  std::vector<std::string> seen(8);
  {
    std::vector<std::jthread> makers;
    for (auto& text : seen) makers.emplace_back([&] { text = make_home_secret(folder.path()); });
  }
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 1U);
  EXPECT_THAT(seen.front(), ::testing::MatchesRegex("[0-9a-f]+"));
  EXPECT_EQ(seen.front().size(), 32U);
  EXPECT_EQ(home_secret(folder.path()), seen.front());
  EXPECT_EQ(fs::status(folder.path() / "secret").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

}  // namespace
}  // namespace stint
