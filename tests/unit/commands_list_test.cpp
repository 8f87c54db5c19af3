// SPDX-License-Identifier: Apache-2.0
// A list of commands, as a plan of chunks.
#include "commands/command_list.hpp"

#include <gmock/gmock.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace stint::commands {
namespace {

using Texts = std::vector<std::string>;

CommandList three() {
  CommandList list;
  list.add("echo one", {});
  list.add("work '' b", {"", "b"});
  list.add("", {"\n\xff"});
  return list;
}

CommandList through_archive(const CommandList& list) { return archive::decode<CommandList>(archive::encode(list)); }

TEST(CommandListTest, IsSoundOnlyIfItsPartsFitTogether) {
  EXPECT_TRUE(CommandList().sound());
  auto list = three();
  EXPECT_TRUE(list.sound());
  list.begin_in({3, 1, 2}, {3, 2, 1});
  EXPECT_TRUE(list.sound());
  for (const auto& order : {std::vector<std::uint64_t>{1, 2}, {1, 2, 4}, {0, 1, 2}, {1, 2, 2}}) {
    list.begin_in(order, {});
    EXPECT_FALSE(list.sound());
  }
  list.begin_in({}, {});
  list.add_earlier(4, {});
  EXPECT_FALSE(list.sound());
}

// As bytes whose last, where the record of an earlier list is, are others.
TEST(CommandListTest, IsSoundOnlyIfItsRecordsCanBeRead) {
  auto list = three();
  Earlier earlier;
  earlier.record.host = "node1";
  earlier.record.seconds = 1e9;
  list.add_earlier(2, earlier);
  EXPECT_TRUE(through_archive(list).sound());
  Names names;
  std::string packed;
  pack(earlier.record, names, packed);
  for (std::size_t at = 1; at < packed.size(); ++at) {
    auto bytes = archive::encode(list);
    const auto place = bytes.rfind(packed);
    ASSERT_NE(place, bytes.npos);
    bytes.replace(place + at, packed.size() - at, packed.size() - at, '\xff');
    EXPECT_FALSE(archive::decode<CommandList>(bytes).sound()) << at;
  }
}

TEST(CommandListTest, GivesBackWhatWasAdded) {
  for (const auto& list : {three(), through_archive(three())}) {
    ASSERT_EQ(list.size(), 3u);
    EXPECT_EQ(list[0].number, 1u);
    EXPECT_EQ(list[0].text, "echo one");
    EXPECT_EQ(list[0].values, Texts{});
    EXPECT_FALSE(list[0].earlier);
    EXPECT_EQ(list[1].text, "work '' b");
    EXPECT_EQ(list[1].values, (Texts{"", "b"}));
    EXPECT_EQ(list[2].text, "");
    EXPECT_EQ(list[2].values, (Texts{"\n\xff"}));
    EXPECT_TRUE(list.weights().empty());
    EXPECT_THROW((void)list.number_of(3), std::out_of_range);
  }
  EXPECT_EQ(CommandList().size(), 0u);
}

TEST(CommandListTest, BeginsInAnotherOrderThanItHas) {
  auto list = three();
  list.begin_in({3, 1, 2}, {5, 4, 3});
  list = through_archive(list);
  EXPECT_EQ(list[0].number, 3u);
  EXPECT_EQ(list[1].text, "echo one");
  EXPECT_EQ(list.number_of(2), 2u);
  EXPECT_EQ(list.text(1), "echo one");
  EXPECT_EQ(list.weights(), (std::vector<double>{5, 4, 3}));
}

TEST(CommandListTest, KnowsHowCommandsEndedBefore) {
  auto list = three();
  Record record;
  record.number = 9;
  record.host = "node1";
  record.carried.out = "text";
  list.add_earlier(2, {record, "exit code 1"});
  auto known = list.earlier(2).value();
  EXPECT_EQ(known.record.carried.out, "text");
  known.record.carried = {};
  known.record.exit = 1;
  list.add_earlier(2, known);
  list = through_archive(list);
  EXPECT_FALSE(list[0].earlier);
  ASSERT_TRUE(list[1].earlier);
  EXPECT_EQ(list[1].earlier->error, "exit code 1");
  EXPECT_EQ(list[1].earlier->record.number, 9u);
  EXPECT_EQ(list[1].earlier->record.host, "node1");
  EXPECT_EQ(list[1].earlier->record.exit, 1);
  EXPECT_TRUE(list[1].earlier->record.carried.empty());
}

}  // namespace
}  // namespace stint::commands
