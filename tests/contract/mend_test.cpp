// SPDX-License-Identifier: Apache-2.0
// A board on which somebody has written by hand, on a real Redis: what can be mended is, and the run goes on to its
// end; what cannot is damage, said in one sentence.
#include "base/error.hpp"
#include "blackboard/keys.hpp"
#include "blackboard/redis_blackboard.hpp"
#include "contract/board_test.hpp"
#include "support/redis_server.hpp"

namespace stint::test_support {
namespace {

using Words = std::vector<std::string>;

class MendTest : public ::testing::Test {
 protected:
  MendTest() : connection(server().address()), board(server().address(), "run") {
    connection.command({"FLUSHALL"});
    board.create(spec, true, false);
    a.join(0);
    for (int i = 0; i < 4; ++i) a.commit({*a.claim({.cost = 4}).range});
  }
  static RedisServer& server() {
    static RedisServer one;
    return one;
  }
  void write(Words words) {
    const auto names = keys::of_run("run");
    for (auto& word : words) {
      for (const auto& name : names) {
        if (word.starts_with('@') && name.ends_with(":" + word.substr(1))) word = name;
      }
    }
    std::vector<std::string_view> line(words.begin(), words.end());
    connection.command(line);
  }
  /// The leader mends, and all is computed.
  void goes_on(const std::string& what) {
    EXPECT_EQ(a.renew().leader, "a") << what;
    EXPECT_EQ(board.mend("a", a.caller.generation).first, Refusal::none) << what;
    EXPECT_FALSE(board.mend("a", a.caller.generation).second) << what << ": mended twice";
    for (int i = 0; i < 3; ++i) a.work_off();
    const auto state = board.state();
    EXPECT_EQ(state->done, 64U) << what;
    EXPECT_EQ(state->failed, 0U) << what;
    std::uint64_t covered = 0;
    const auto nodes = board.nodes();
    for (const auto& node : nodes) covered += node.size();
    EXPECT_EQ(covered, 64U) << what;
    EXPECT_EQ(board.finish({.generation = a.caller.generation, .worker = "a", .done = 64, .failed = 0, .used = nodes,
                            .result = "r", .fields = {}}), Refusal::none) << what;
  }

  RunSpec spec = spec_of(64, 1);
  redis::Connection connection;
  RedisBlackboard board;
  Hand a{board, "a"};
};

class Mended : public MendTest, public ::testing::WithParamInterface<std::vector<Words>> {};

TEST_P(Mended, GoesOnToTheEnd) {
  for (const auto& words : GetParam()) write(words);
  goes_on(::testing::PrintToString(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(ByHand, Mended, ::testing::Values(
    std::vector<Words>{{"SET", "@leader", "ghost/0.1"}},
    std::vector<Words>{{"SET", "@leader", std::string(1 << 20, 'x')}},
    std::vector<Words>{{"DEL", "@done"}},
    std::vector<Words>{{"SET", "@done", "\xff"}},
    std::vector<Words>{{"SETBIT", "@done", "63", "1"}, {"SETBIT", "@done", "0", "0"}},
    std::vector<Words>{{"SETBIT", "@done", "5000", "0"}},
    std::vector<Words>{{"HSET", "@nodes", "03:0", "x", "40:1", "x", "5:99", "x", "0", "x", "0:4294967296", "x"}},
    std::vector<Words>{{"DEL", "@nodes"}},
    std::vector<Words>{{"HSET", "@failed", "0", "{}", "zz", "{}", "9999", "{}", "-1", "{}", "0x10", "{}", "63", "{}"}},
    std::vector<Words>{{"HSET", "@run", "done", "64", "failed", "9", "node_bytes", "1"}},
    std::vector<Words>{{"HSET", "@run", "failed", "48"}},
    std::vector<Words>{{"HSET", "@claims", "ghost", "3;16-64"}, {"HSET", "@queues", "a", ""}},
    std::vector<Words>{{"HSET", "@queues", "ghost", "16-64"}, {"HSET", "@queues", "a", ""}},
    std::vector<Words>{{"HSET", "@queues", "a", "no ranges"}},
    std::vector<Words>{{"HSET", "@queues", "a", "60-16"}},
    std::vector<Words>{{"HSET", "@queues", "a", "", "-", "64-200"}},
    std::vector<Words>{{"HSET", "@queues", "a", ""}, {"ZADD", "@delayed", "inf", "40"}}));

TEST_F(MendTest, AKeyOfTheWrongTypeIsDamageSaidInOneSentence) {
  const auto claims = [](Hand& hand) { hand.claim(); };
  const auto renews = [](Hand& hand) { hand.renew(); };
  const std::map<std::string, std::function<void(Hand&)>> steps{
      {"run", [&](Hand&) { board.state(); }},      {"plan", [&](Hand&) { board.plan(); }},
      {"nodes", [&](Hand&) { board.nodes(); }},    {"failed", [&](Hand&) { board.failures(); }},
      {"result", [&](Hand&) { board.result(); }},  {"workers", [&](Hand&) { board.workers(); }},
      {"beats", renews},                           {"leader", renews},
      {"queues", claims},                          {"claims", claims},
      {"done", claims},                            {"load", claims}};
  for (const auto& [key, step] : steps) {
    board.create(spec, true, false);
    Hand hand(board, "a");
    hand.join(0);
    write({"DEL", "@" + key});
    write({"RPUSH", "@" + key, "1"});
    try {
      step(hand);
      ADD_FAILURE() << key;
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::damaged) << key;
      EXPECT_STREQ(error.what(), "the record of run run is damaged (WRONGTYPE Operation against a key holding the wrong "
                                 "kind of value); --fresh begins anew, other runs are not touched") << key;
    }
  }
}

TEST_F(MendTest, AFieldThatIsMissingOrNoNumberIsDamage) {
  for (const auto* field : {"state", "generation", "chunks", "done", "identity", "program", "retries", "steps"}) {
    const auto value = connection.command({"HGET", "stint:{run}:run", field}).str();
    for (const bool missing : {true, false}) {
      if (missing) {
        connection.command({"HDEL", "stint:{run}:run", field});
      } else {
        connection.command({"HSET", "stint:{run}:run", field, "-1e5x"});
      }
      const bool text = std::string_view(field) == "identity" || std::string_view(field) == "program";
      if (missing || !text) {
        EXPECT_THROW(board.state(), Error) << field;
      }
      connection.command({"HSET", "stint:{run}:run", field, value});
    }
    EXPECT_TRUE(board.state()) << field;
  }
}

TEST_F(MendTest, AScriptThatMeetsWhatIsNoNumberSaysSoAndWritesNothing) {
  const auto range = a.claim({.cost = 4}).range;
  connection.command({"HSET", "stint:{run}:run", "node_bytes", "many"});
  try {
    a.commit({*range});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "the record of run run is damaged (a number is missing in the hash run); --fresh begins "
                               "anew, other runs are not touched");
  }
  EXPECT_EQ(connection.command({"HGET", "stint:{run}:run", "done"}).str(), "16");
}

TEST_F(MendTest, WhatBeginsAnewNeedNotBeReadable) {
  for (const auto& key : keys::of_run("run")) write({"SET", key, "x"});
  EXPECT_THROW(board.create(spec, false, false), Error);
  EXPECT_EQ(board.create(spec, true, false).state.state, "running");
}

}  // namespace
}  // namespace stint::test_support
