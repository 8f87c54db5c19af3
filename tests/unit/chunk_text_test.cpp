// SPDX-License-Identifier: Apache-2.0
// The numbers by which users know chunks, in what verbs tell of them.
#include "cli/chunk_text.hpp"
#include "codec/run_codec.hpp"
#include "commands/commands.hpp"
#include "pi.hpp"
#include "support/fake_blackboard.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stint/detail/adapter.hpp>

#include <memory>
#include <string>
#include <vector>

namespace stint {
namespace {

using commands::Commands;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::StartsWith;

class ChunkTextsTest : public ::testing::Test {
 protected:
  // A run of commands that begin the other way round: the chunks 0 to 4 are the commands 5 to 1.
  ChunkTextsTest() {
    commands::CommandList list;
    for (const char* text : {"one", "two", "three", "four", "five"}) list.add(text, {});
    list.begin_in({5, 4, 3, 2, 1}, {});
    job.adopt_plan(archive::encode(list));
    RunSpec spec;
    spec.run = "r";
    spec.job = "commands";
    spec.identity = "{}";
    spec.chunks = 5;
    spec.plan = codec::RunCodec(job, spec.identity, 5).plan();
    board.create(spec, false, false);
    state = *board.state();
  }
  Adapter<Commands> job;
  std::shared_ptr<test_support::FakeServer> server = std::make_shared<test_support::FakeServer>();
  test_support::FakeBlackboard board{server, "r"};
  RunState state;
  const std::vector<JobEntry> jobs{{"commands", "", &make_job<Commands>}, {"pi", "", &make_job<Pi>}};
  support::TemporaryFolder folder;
};

TEST_F(ChunkTextsTest, EventsOfARunOfCommandsNameTheseAsTheJobLogDoes) {
  ChunkTexts texts(board, state, "r", jobs);
  EXPECT_EQ(texts.number_of(0), 5U);
  EXPECT_EQ(texts.event("failed", "chunk 3 on h/0.ab: exit code 1"), "command 2 on h/0.ab: exit code 1");
  EXPECT_EQ(texts.event("reap", "h-1-9/0.ab with 3 chunks in hand: 0-2,4-5"), "h-1-9/0.ab with commands 1, 4-5 in hand");
  EXPECT_EQ(texts.event("reap", "h/0.ab with 1 chunk in hand: 2-3"), "h/0.ab with command 3 in hand");
  EXPECT_EQ(texts.event("reap", "h/0.ab with 0 chunks in hand: "), "h/0.ab with 0 chunks in hand: ");
  EXPECT_EQ(texts.event("steal", "h/0.ab from h/1.cd"), "h/0.ab from h/1.cd");
}

TEST_F(ChunkTextsTest, ListsOfChunksAreAsUsersWriteThem) {
  state.fields["job"] = "pi";
  ChunkTexts texts(board, state, "r", jobs);
  EXPECT_EQ(texts.number_of(3), 3U);
  EXPECT_EQ(texts.event("reap", "h/0.ab with 3 chunks in hand: 0-2,4-5"), "h/0.ab with chunks 0-1, 4 in hand");
  EXPECT_EQ(texts.event("copy", "7-9 by h/0.ab"), "chunks 7-8 by h/0.ab");
  EXPECT_EQ(texts.event("reap", "h/0.ab with 9 chunks in hand: 0-2,4-"), "h/0.ab with chunks 0-2,4- in hand") << "it was cut";
}

TEST_F(ChunkTextsTest, ACommandThatEndedWellIsToldAsOneThatFailed) {
  commands::Record record;
  record.number = 4;
  record.seconds = 1.25;
  record.host = "node1";
  folder.write("log.err", "one\ntwo\n");
  record.place = {"log", 0, 0, 0, 8};
  RunFacts facts;
  facts.store_dir = folder.path();
  const auto rows = job.describe_done(1, *job.decode(archive::encode(commands::Records(record))), Context(facts));
  EXPECT_THAT(rows, ElementsAre(Pair("command", "four"), Pair("exit", "exit code 0"), Pair("time", StartsWith("1.2 s, begun ")),
                                Pair("host", "node1"), Pair("stderr", "one\ntwo\n")));
  ChunkTexts texts(board, state, "r", jobs);
  EXPECT_EQ(texts.result_option(1), "--chunk 4");
  EXPECT_TRUE(texts.done(1, folder.path()).empty()) << "it is not done";
}

}  // namespace
}  // namespace stint
