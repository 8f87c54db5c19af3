// SPDX-License-Identifier: Apache-2.0
// Each step against a run that is gone, ended, or has another generation; and, on a real Redis, a proof that a refusal
// changes nothing at all: every key of the server is the same before and after.
#include "blackboard/directory.hpp"
#include "blackboard/keys.hpp"
#include "blackboard/redis_blackboard.hpp"
#include "blackboard/scripts.hpp"
#include "contract/board_test.hpp"
#include "support/redis_server.hpp"

namespace stint::test_support {
namespace {

/// Each step that changes state, sent by `hand` as it stands, with what it answers.
std::map<std::string, Refusal> all_steps(Blackboard& board, const Hand& hand) {
  Caller caller = hand.caller;
  caller.number += 1;
  const auto generation = caller.generation;
  return {
      {"join", board.join({caller.worker + "2", generation, 0, {}, 0}, "{}", 0, "v1").refusal},
      {"claim", board.claim(caller, {.cost = 4}).refusal},
      {"commit", board.commit(caller, {1, 1, 0}, {{{0, 0}, "x"}}).refusal},
      {"fail", board.fail(caller, {0, "error"}, 0).refusal},
      {"renew", board.renew(caller.worker, generation, false, "").refusal},
      {"reap", board.reap(generation, caller.worker, std::nullopt, Blame::none)},
      {"fold", board.fold(caller.worker, generation, {}, {}, true)},
      {"reject", board.reject(generation, {0, 0}, "x")},
      {"finish", board.finish({.generation = generation,
                               .worker = caller.worker,
                               .done = 0,
                               .failed = 0,
                               .used = {},
                               .result = "r",
                               .fields = {}})},
      {"leave", board.leave(caller)},
      {"end", board.end(generation, 2, "error")},
  };
}

TEST_P(BoardTest, EachStepOnARunThatIsNotThereIsGone) {
  Hand a(*board, "a");
  a.caller.generation = 1;
  for (const auto& [step, refusal] : all_steps(*board, a)) EXPECT_EQ(refusal, Refusal::gone) << step;
  EXPECT_FALSE(board->state().has_value()) << "no step makes keys anew";
}

TEST_P(BoardTest, EachStepOfAnotherGenerationIsGone) {
  auto a = start(64, 1, 0);
  a.claim();
  a.caller.generation += 1;
  for (const auto& [step, refusal] : all_steps(*board, a)) EXPECT_EQ(refusal, Refusal::gone) << step;
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, EachStepOnAFailedRunIsEnded) {
  auto a = start(64, 1, 0);
  a.claim();
  board->end(a.caller.generation, 2, "bad");
  for (const auto& [step, refusal] : all_steps(*board, a)) EXPECT_EQ(refusal, Refusal::ended) << step;
}

TEST_P(BoardTest, EachStepOnADoneRunIsEnded) {
  auto a = start(64, 1, 0);
  a.work_off();
  ASSERT_EQ(finish(a), Refusal::none);
  for (const auto& [step, refusal] : all_steps(*board, a)) EXPECT_EQ(refusal, Refusal::ended) << step;
  EXPECT_EQ(board->state()->state, "done");
  EXPECT_EQ(board->result(), "the result");
}

TEST_P(BoardTest, EachStepOnAPartialRunIsEnded) {
  spec.retries = 0;
  auto a = start(4, 1, 0);
  for (auto claimed = a.claim(); claimed.range; claimed = a.claim()) a.fail(claimed.range->first);
  ASSERT_EQ(finish(a), Refusal::none);
  for (const auto& [step, refusal] : all_steps(*board, a)) EXPECT_EQ(refusal, Refusal::ended) << step;
}

TEST_P(BoardTest, AWorkerThatIsNotThereIsFenced) {
  auto a = start(64, 1, 0);
  Hand ghost(*board, "ghost");
  ghost.caller.generation = a.caller.generation;
  EXPECT_EQ(ghost.claim().refusal, Refusal::fenced);
  EXPECT_EQ(ghost.fail(0).refusal, Refusal::fenced);
  EXPECT_EQ(ghost.renew().refusal, Refusal::fenced);
  EXPECT_EQ(ghost.leave(), Refusal::fenced);
}

/// A Redis of the test's own, whose every key can be read as one text.
class RedisOnlyTest : public ::testing::Test {
 protected:
  RedisOnlyTest() : address_(server().address()), connection(address_), board(address_, "run") {
    connection.command({"FLUSHALL"});
    spec = spec_of(64, 2);
    spec.retries = 1;
  }

  static RedisServer& server() {
    static RedisServer one;
    return one;
  }

  std::map<std::string, std::string> all_keys() {
    std::map<std::string, std::string> keys;
    const auto names = connection.command({"KEYS", "*"});
    for (std::size_t i = 0; i < names.size(); ++i) {
      keys[names[i].str()] = connection.command({"DUMP", names[i].text()}).str() + " expires " +
                             std::to_string(connection.command({"PEXPIRETIME", names[i].text()}).integer());
    }
    return keys;
  }

  /// The word that a script answers; "ERR" for an error.
  std::string raw(const scripts::Script& script, std::vector<std::string> words) {
    const auto keys = keys::of_run("run");
    const auto count = std::to_string(keys.size());
    std::vector<std::string_view> line{"EVAL", script.text, count};
    line.insert(line.end(), keys.begin(), keys.end());
    line.insert(line.end(), words.begin(), words.end());
    try {
      return connection.command(line)[0].str();
    } catch (const redis::Refused&) {
      return "ERR";
    }
  }

  redis::Address address_;
  redis::Connection connection;
  RedisBlackboard board;
  RunSpec spec;
};

/// Something of everything: claims, queues, pool, nodes, a delayed and a failed chunk, an old request number.
Hand busy_run(Blackboard& board, const RunSpec& spec) {
  board.create(spec, true, false);
  Hand a(board, "a"), b(board, "b"), c(board, "c");
  a.join(0);
  b.join(1);
  c.join();
  a.claim({.cost = 8});
  a.fail(0);
  a.fail(1, 3600);
  b.claim();
  b.fail(0);
  a.commit({Range{2, 4}});
  a.claim();
  c.claim();
  c.leave();
  return a;
}

TEST_F(RedisOnlyTest, ARefusalChangesNothing) {
  auto a = busy_run(board, spec);
  const auto generation = std::to_string(a.caller.generation), number = std::to_string(a.caller.number);
  const auto before = all_keys();
  const auto refuses = [&](const char* word, const scripts::Script& script, std::vector<std::string> words) {
    EXPECT_EQ(raw(script, std::move(words)), word) << script.name;
    EXPECT_EQ(all_keys(), before) << script.name << " answered " << word << " and changed something";
  };
  const auto make = [&](const char* accept, const char* program, const char* identity, const char* chunks,
                        const char* slots, const char* fresh = "0") {
    return std::vector<std::string>{fresh, accept, "run",  "job", program, identity, "{}",
                                    "p",   "",     chunks, slots, "1",     "9",      "9", "-1"};
  };
  refuses("IDENTITY", scripts::create_script, make("1", "v1", "other", "64", "2"));
  refuses("PROGRAM", scripts::create_script, make("0", "v2", spec.identity.c_str(), "64", "2"));
  refuses("ERR", scripts::create_script, make("0", "v1", spec.identity.c_str(), "64", "0", "1"));
  refuses("ERR", scripts::create_script, make("0", "v1", spec.identity.c_str(), "5000000000", "1", "1"));

  refuses("GONE", scripts::join_script, {"1", "n", "{}", "-1", "v1"});
  refuses("PROGRAM", scripts::join_script, {"", "n", "{}", "-1", "v2"});

  const auto claim = [&](std::string of, std::string worker, std::string no) {
    return std::vector<std::string>{of, worker, no, "", "0", "4", "1", "0", "10", "1", "-1"};
  };
  refuses("GONE", scripts::claim_script, claim("1", "a", number));
  refuses("FENCED", scripts::claim_script, claim(generation, "ghost", number));
  refuses("STALE", scripts::claim_script, claim(generation, "a", "1"));
  connection.command({"HSET", keys::of_run("run")[0], "node_limit", "1"});
  const auto full = all_keys();
  EXPECT_EQ(raw(scripts::claim_script, claim(generation, "a", "99")), "FULL");
  EXPECT_EQ(all_keys(), full);
  connection.command({"HSET", keys::of_run("run")[0], "node_limit", std::to_string(spec.node_limit)});
  ASSERT_EQ(all_keys(), before);

  const auto commit = [&](std::string of, std::string worker, std::string no, std::string level = "0") {
    return std::vector<std::string>{of, worker, no, "", "0", "1", "1", "0", "0", level, "40", "frame"};
  };
  refuses("GONE", scripts::commit_script, commit("1", "a", number));
  refuses("STALE", scripts::commit_script, commit(generation, "a", "1"));
  refuses("ERR", scripts::commit_script, commit(generation, "a", number, "x"));
  refuses("ERR", scripts::commit_script, commit(generation, "a", number, "33"));

  const auto fail = [&](std::string of, std::string worker, std::string no, std::string chunk) {
    return std::vector<std::string>{of, worker, no, "", chunk, "error", "0", "0"};
  };
  refuses("GONE", scripts::fail_script, fail("1", "a", number, "4"));
  refuses("FENCED", scripts::fail_script, fail(generation, "ghost", number, "4"));
  refuses("STALE", scripts::fail_script, fail(generation, "a", "1", "4"));
  refuses("OK", scripts::fail_script, fail(generation, "a", number, "2"));   // done: does not count
  refuses("OK", scripts::fail_script, fail(generation, "a", number, "60"));  // not its own

  refuses("GONE", scripts::end_script, {"1", "2", "error"});
  refuses("GONE", scripts::renew_script, {"1", "a", "1"});
  refuses("FENCED", scripts::renew_script, {generation, "ghost", "1"});
  refuses("GONE", scripts::reap_script, {"1", "a", "", "1"});
  refuses("STALE", scripts::reap_script, {generation, "a", "7", "1"});
  refuses("STALE", scripts::reap_script, {generation, "ghost", "", "1"});
  refuses("GONE", scripts::leave_script, {"1", "a"});
  refuses("FENCED", scripts::leave_script, {generation, "ghost"});

  refuses("GONE", scripts::fold_script, {"1", "a", "1", "0"});
  refuses("STALE", scripts::fold_script, {generation, "b", "1", "0"});
  refuses("STALE", scripts::fold_script, {generation, "a", "1", "1", "0:50", "0", "50", "x"});
  refuses("STALE", scripts::fold_script, {generation, "a", "1", "1", "1:1", "2", "0", "x"});
  refuses("ERR", scripts::fold_script, {generation, "a", "1", "1", "1:1", "2", "0"});
  refuses("GONE", scripts::reject_script, {"1", "1", "1", frame_of({1, 1})});
  refuses("STALE", scripts::reject_script, {generation, "1", "1", "other bytes"});
  refuses("STALE", scripts::reject_script, {generation, "0", "50", "x"});
  refuses("ENDED", scripts::explain_script, {"64"});  // no such chunk
  refuses("OK", scripts::explain_script, {"5"});
  refuses("GONE", scripts::mend_script, {"1", "a"});
  refuses("STALE", scripts::mend_script, {generation, "b"});
  refuses("OK", scripts::mend_script, {generation, "a"});  // all is well
  refuses("GONE", scripts::finish_script, {"1", "a", "2", "1", "r", "9", "1", "1:1"});
  refuses("STALE", scripts::finish_script, {generation, "b", "2", "1", "r", "9", "1", "1:1"});
  refuses("STALE", scripts::finish_script, {generation, "a", "2", "1", "r", "9", "1", "1:1"});
  refuses("BUSY", scripts::remove_script, {"0"});
}

TEST_F(RedisOnlyTest, NoStepOnAnEndedRunChangesAnything) {
  auto a = busy_run(board, spec);
  board.end(a.caller.generation, 2, "bad");
  const auto before = all_keys();
  for (const auto& [step, refusal] : all_steps(board, a)) EXPECT_EQ(refusal, Refusal::ended) << step;
  EXPECT_EQ(raw(scripts::cancel_script, {}), "ENDED");
  EXPECT_EQ(all_keys(), before);
}

TEST_F(RedisOnlyTest, NoStepMakesKeysOfARunThatIsGone) {
  auto a = busy_run(board, spec);
  EXPECT_EQ(raw(scripts::remove_script, {"1"}), "OK");
  const auto before = all_keys();
  for (const auto* script : {&scripts::cancel_script, &scripts::rerun_script, &scripts::explain_script}) {
    EXPECT_EQ(raw(*script, {"", "", "", ""}), "GONE") << script->name;
  }
  for (const auto& [step, refusal] : all_steps(board, a)) EXPECT_EQ(refusal, Refusal::gone) << step;
  EXPECT_EQ(all_keys(), before);
}

TEST_F(RedisOnlyTest, RemovesARunWithAllItsKeysUnlessWorkersAreAtWork) {
  EXPECT_EQ(raw(scripts::remove_script, {"0"}), "GONE");
  auto a = busy_run(board, spec);
  EXPECT_EQ(raw(scripts::remove_script, {"0"}), "BUSY");
  board.end(a.caller.generation, 2, "bad");
  EXPECT_EQ(raw(scripts::remove_script, {"0"}), "OK");
  EXPECT_EQ(connection.command({"KEYS", "stint:{*"}).size(), 0U);
}

TEST_F(RedisOnlyTest, RemovesARunWhoseWorkersAreAllGoneByTheHeartbeatsThatWereSeen) {
  spec.slots = 1;
  board.create(spec, true, false);
  Hand a(board, "a"), b(board, "b");
  a.join(0);
  b.join(-1);
  board.renew("a", a.caller.generation, false, "{}");
  const auto beats = board.beats();
  EXPECT_EQ(beats, (std::map<std::string, std::string>{{"a", "2"}, {"b", "1"}}));
  EXPECT_EQ(raw(scripts::remove_script, {"0", "a", "2"}), "BUSY") << "b is there";
  EXPECT_EQ(raw(scripts::remove_script, {"0", "a", "1", "b", "1"}), "BUSY") << "a lives";
  EXPECT_EQ(raw(scripts::remove_script, {"0", "a", "2", "b", "1"}), "OK");
}

TEST_F(RedisOnlyTest, TellsThoseWhoLookOnWhenAWorkerWasLastHeardAndWhatItHolds) {
  spec.slots = 1;
  board.create(spec, true, false);
  Hand a(board, "a");
  a.join(0);
  const auto time_of = [&] { return std::stod(board.at_work().at("a")); };
  EXPECT_NEAR(time_of(), board.now(), 60);
  EXPECT_TRUE(board.at_work().at("a").ends_with(";")) << "it has only joined";
  board.renew("a", a.caller.generation, false, "{}");
  EXPECT_TRUE(board.at_work().at("a").ends_with(";{}"));
  EXPECT_EQ(board.leader(), "a");
  const auto claimed = *a.claim().range;
  EXPECT_EQ(board.claims().at("a"), std::vector<Range>{claimed});
  a.commit(std::vector<Node>{{0, claimed.first}});
  EXPECT_EQ(board.done({claimed.first, claimed.first + 1}), (std::vector<bool>{true, false}));
  EXPECT_EQ(board.state()->number("call_done", -1), 0);
  EXPECT_GT(board.state()->number("call_begun"), 0);
}

TEST_F(RedisOnlyTest, ForgetsOnlyRunsWhoseTimeIsOver) {
  board.create(spec, true, false);
  auto other = spec;
  other.run = "other";
  RedisBlackboard(address_, "other").create(other, true, false);
  connection.command({"DEL", keys::of_run("other")[0]});
  Directory directory(address_);
  EXPECT_TRUE(directory.forget_expired("other"));
  EXPECT_FALSE(directory.forget_expired("run"));
  EXPECT_THAT(directory.runs(), ::testing::ElementsAre("run"));
  EXPECT_TRUE(board.state());
  EXPECT_THAT(connection.command({"KEYS", "stint:{other}:*"}).size(), 0U) << "what was left of it went, too";
}

TEST_F(RedisOnlyTest, ADamagedRunCanBeRemoved) {
  board.create(spec, true, false);
  for (const auto& key : keys::of_run("run")) connection.command({"SET", key, "no such thing"});
  EXPECT_TRUE(Directory(address_).remove("run", false));
  EXPECT_THAT(all_keys(), ::testing::IsEmpty());
}

TEST_F(RedisOnlyTest, ADoneRunKeepsThreeKeysForAWhile) {
  spec.slots = 1;
  board.create(spec, true, false);
  Hand a(board, "a");
  a.join(0);
  a.work_off();
  board.finish({.generation = a.caller.generation,
                .worker = "a",
                .done = 64,
                .failed = 0,
                .used = board.nodes(),
                .result = "r",
                .fields = {}});
  EXPECT_EQ(raw(scripts::rerun_script, {"", "", "", ""}), "ENDED");
  EXPECT_EQ(raw(scripts::cancel_script, {}), "ENDED");
  const auto names = connection.command({"KEYS", "stint:{*"});
  EXPECT_EQ(names.size(), 3U);
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_GT(connection.command({"TTL", names[i].text()}).integer(), 13 * 24 * 3600) << names[i].text();
  }
}

TEST_F(RedisOnlyTest, CountsThatAreNoNumbersDoNotHarmACommit) {
  auto a = busy_run(board, spec);
  const auto done = board.state()->done;
  const auto generation = std::to_string(a.caller.generation);
  EXPECT_EQ(raw(scripts::commit_script, {generation, "a", "99", "", "nan", "1", "nan", "0", "nan", "17", "0", "40", "frame"}), "OK");
  EXPECT_EQ(raw(scripts::claim_script, {generation, "a", "100", "", "inf", "4", "1", "0", "10", "1", "-1"}), "OK");
  EXPECT_EQ(board.state()->done, done + 1);
}

TEST_F(RedisOnlyTest, ABoardThatLostItsMiddleIsMended) {
  spec.slots = 1;
  board.create(spec, true, false);
  Hand a(board, "a");
  a.join(0);
  for (int i = 0; i < 4; ++i) a.commit({*a.claim({.cost = 4}).range});
  const auto names = board.nodes();
  const auto keys = keys::of_run("run");
  // A stale child beside the parent that it was folded into, a count that forgot a commit, and bits of nobody.
  ASSERT_EQ(board.fold("a", a.caller.generation, {names[0], names[1]}, {{names[0].parent(), "parent"}}, false),
            Refusal::none);
  connection.command({"HSET", keys[10], names[0].name(), "stale"});
  connection.command({"HSET", keys[0], "done", "3"});
  connection.command({"SETBIT", keys[9], "60", "1"});
  EXPECT_EQ(board.mend("b", a.caller.generation).first, Refusal::stale) << "not the leader";
  EXPECT_EQ(board.mend("a", a.caller.generation), std::pair(Refusal::none, true));
  const auto boards = board.nodes();
  EXPECT_EQ(std::ranges::count(boards, names[0]), 0);
  std::uint64_t covered = 0;
  for (const auto& node : boards) covered += node.size();
  EXPECT_EQ(board.state()->done, covered);
  EXPECT_EQ(static_cast<std::uint64_t>(connection.command({"BITCOUNT", keys[9]}).integer()), covered);
  EXPECT_EQ(board.mend("a", a.caller.generation), std::pair(Refusal::none, false));
  a.work_off();
  EXPECT_EQ(board.state()->done, 64U);
}

TEST_F(RedisOnlyTest, ChunksThatNobodyKnowsOfAreFound) {
  spec.slots = 1;
  board.create(spec, true, false);
  Hand a(board, "a");
  a.join(0);
  a.commit({*a.claim({.cost = 4}).range});
  connection.command({"HSET", keys::of_run("run")[7], "a", ""});
  EXPECT_FALSE(a.claim().range);
  EXPECT_TRUE(board.mend("a", a.caller.generation).second);
  a.work_off();
  EXPECT_EQ(board.state()->done, 64U);
}

TEST_F(RedisOnlyTest, AServerThatForgotTheScriptsIsTaughtThem) {
  busy_run(board, spec);
  connection.command({"SCRIPT", "FLUSH"});
  Hand d(board, "d");
  EXPECT_EQ(d.join().refusal, Refusal::none);
  EXPECT_TRUE(d.claim().range.has_value());
}

TEST_F(RedisOnlyTest, AServerOutOfRoomTakesCommitsAndHandsOutNothing) {
  auto a = busy_run(board, spec);
  const auto range = a.caller.held.front();
  connection.command({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_THROW(a.claim(), BoardLost);
  EXPECT_EQ(a.commit({range}).refusal, Refusal::none);
  EXPECT_EQ(a.renew().refusal, Refusal::none);
  EXPECT_EQ(a.leave(), Refusal::none);
  connection.command({"CONFIG", "SET", "maxmemory", "0"});
}

TEST(RedisRestartTest, AServerThatIsKilledAndStartedAgainGoesOn) {
  RedisServer server({"--appendonly", "yes"});
  RedisBlackboard board(server.address(), "run");
  const auto spec = spec_of(64, 1);
  board.create(spec, false, false);
  Hand a(board, "a");
  a.join(0);
  const auto range = *a.claim().range;
  server.kill();
  EXPECT_THROW(a.commit({range}), BoardLost);
  EXPECT_THROW(board.state(), BoardLost);
  server.start();
  EXPECT_EQ(a.commit({range}).refusal, Refusal::none);
  a.work_off();
  EXPECT_EQ(board.state()->done, 64U);
}

}  // namespace
}  // namespace stint::test_support
