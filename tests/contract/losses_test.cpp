// SPDX-License-Identifier: Apache-2.0
// What becomes of chunks whose worker dies, that fail again and again, or that take too long; and of runs whose user
// ends them or gives what failed another life.
#include "contract/board_test.hpp"

namespace stint::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LossesTest : public BoardTest {
 protected:
  /// The hand dies with what it has in hand.
  void crash(const Hand& hand) {
    EXPECT_EQ(board->reap(hand.caller.generation, hand.caller.worker, std::nullopt, Blame::charged), Refusal::none);
    EXPECT_EQ(broken_rule(look(), spec), "");
  }
  std::string field(const char* name) { return board->state()->fields[name]; }
};

TEST_P(LossesTest, WhatADeadWorkerHeldIsHandedOutLastInHalves) {
  auto a = start(64, 1, 0);
  const auto held = a.claim({.cost = 8}).range;
  crash(a);
  auto b = joined("b");
  auto sources = b.work_off({.cost = 8});
  ASSERT_GE(sources.size(), 3U);
  EXPECT_EQ(sources[sources.size() - 2], "suspect");
  EXPECT_EQ(sources.back(), "suspect");
  EXPECT_EQ(sources[sources.size() - 3], "pool");
  EXPECT_EQ(*held, (Range{0, 8}));
  EXPECT_EQ(board->state()->done, 64U);
  EXPECT_THAT(look().suspects, IsEmpty());
}

TEST_P(LossesTest, AChunkThatKillsItsRankFailsAfterItsRetriesAndItsNeighboursPayNothing) {
  auto first = start(32, 1, 0);
  constexpr std::uint64_t poison = 5;
  int deaths = 0;
  Hand hand = first;
  for (int worker = 0; worker < 20 && board->state()->done + board->state()->failed < 32; ++worker) {
    for (;;) {
      const auto claimed = hand.claim({.cost = 8});
      if (!claimed.range) break;
      if (claimed.range->first <= poison && poison < claimed.range->last) {
        crash(hand);
        ++deaths;
        hand = joined("w" + std::to_string(worker));
      } else {
        hand.commit({*claimed.range});
      }
    }
  }
  EXPECT_EQ(board->state()->done, 31U);
  const auto failures = board->failures();
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures.begin()->first, poison);
  EXPECT_THAT(failures.begin()->second, HasSubstr("its rank died while it computed this chunk"));
  EXPECT_LE(deaths, 4) << "eight chunks in hand: three halvings, and more deaths than retries";
}

TEST_P(LossesTest, OneDeathFailsNoChunkEvenWithoutRetries) {
  spec.retries = 0;
  auto a = start(2, 1, 0);
  a.claim({.cost = 1});
  crash(a);
  EXPECT_EQ(board->state()->failed, 0U);
  auto b = joined("b");
  b.commit({*b.claim({.cost = 1}).range});
  EXPECT_EQ(b.claim({.cost = 1}).source, "suspect");
  crash(b);
  EXPECT_EQ(board->state()->failed, 1U);
}

TEST_P(LossesTest, FromItsSecondDeathOnASuspectIsComputedAlone) {
  auto a = start(4, 1, 0);
  a.claim({.cost = 1, .least = 1});
  a.claim({.cost = 1, .least = 1});
  crash(a);
  auto b = joined("b");
  b.work_off({.cost = 1});  // all the others, and both suspects once
  auto run_again = start(4, 1, 0);
  for (int death = 0; death < 2; ++death) {
    auto hand = death == 0 ? run_again : joined("again");
    while (hand.claim({.cost = 1}).range && count(hand.caller.held) < 4) {
    }
    crash(hand);
  }
  auto c = joined("c");
  const auto one = c.claim({.cost = 4});
  EXPECT_EQ(one.source, "suspect");
  EXPECT_EQ(one.attempt, 3);
  EXPECT_FALSE(c.claim({.cost = 4}).range) << "while it holds a suspect, nothing else";
  auto d = joined("d");
  EXPECT_EQ(d.claim({.cost = 4}).source, "suspect");
  c.commit({*one.range});
  EXPECT_EQ(c.claim({.cost = 4}).source, "suspect");
}

TEST_P(LossesTest, ACrashWithLastWordsIsChargedToItsChunkAlone) {
  spec.retries = 1;
  auto a = start(16, 1, 0);
  a.claim({.cost = 4});
  const auto told = a.fail(1, 0, "signal 11", true);
  EXPECT_TRUE(told.counted);
  EXPECT_FALSE(told.for_good);
  EXPECT_THAT(look().suspects, ElementsAre(PicturedSuspect{{1, 2}, 1, ""}));
  a.leave();
  auto b = joined("b");
  auto last = b.claim({.cost = 4});
  for (; last.source != "suspect"; last = b.claim({.cost = 4})) b.commit({*last.range});
  EXPECT_EQ(last.range, (Range{1, 2}));
  EXPECT_EQ(last.attempt, 2);
  EXPECT_TRUE(b.fail(1, 0, "signal 11", true).for_good);
  EXPECT_EQ(board->state()->failed, 1U);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(LossesTest, AnOrderlyGoodbyeLeavesASuspectASuspect) {
  auto a = start(1, 1, 0);
  a.claim({.cost = 4});
  crash(a);
  auto b = joined("b");
  const auto claimed = b.claim({.cost = 4});
  ASSERT_EQ(claimed.source, "suspect");
  b.leave();
  EXPECT_EQ(broken_rule(look(), spec), "");
  EXPECT_EQ(joined("c").claim({.cost = 4}).source, "suspect");
}

TEST_P(LossesTest, AHostWhoseChunksAllFailWhileOthersSucceedIsBenched) {
  auto good = start(200, 1, 0);
  good.caller.worker = "a";
  auto bad = joined("bad/0");
  bool benched = false;
  int failures = 0;
  for (int i = 0; i < 30 && !benched; ++i) {
    const auto claimed = bad.claim({.cost = 1});
    ASSERT_TRUE(claimed.range.has_value());
    benched = bad.fail(claimed.range->first, 1000, "no such library " + std::to_string(i)).benched;
    ++failures;
    good.commit({*good.claim({.cost = 1}).range});
  }
  EXPECT_TRUE(benched);
  EXPECT_EQ(failures, 10);
  EXPECT_FALSE(bad.claim({.cost = 1}).range);
  EXPECT_EQ(broken_rule(look(), spec), "");
  good.work_off();
  EXPECT_EQ(board->state()->done, 200U) << "what it failed waits no longer";
  EXPECT_EQ(board->state()->failed, 0U);
}

TEST_P(LossesTest, ABenchedHostWorksWhenNobodyElseIsThere) {
  auto good = start(100, 1, 0);
  auto bad = joined("bad/0");
  for (int i = 0; i < 10; ++i) {
    bad.fail(bad.claim({.cost = 1}).range->first, 1000, std::to_string(i));
    good.commit({*good.claim({.cost = 1}).range});
  }
  ASSERT_FALSE(bad.claim({.cost = 1}).range);
  good.leave();
  EXPECT_TRUE(bad.claim({.cost = 1}).range);
}

TEST_P(LossesTest, WhenTheFirstChunksAllFailWithOneErrorTheRunEnds) {
  auto a = start(100, 1, 0);
  std::uint64_t last = 0;
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(board->state()->state, "running") << i;
    const auto chunk = a.claim({.cost = 1}).range->first;
    last = std::max(last, chunk);
    EXPECT_TRUE(i >= 20 || chunk < 20) << i;
    a.fail(chunk, 1000, "no luck with " + std::to_string(i));
  }
  EXPECT_GT(last, 80U) << "of all parts of the plan";
  EXPECT_EQ(board->state()->state, "failed");
  EXPECT_EQ(field("exit"), "1");
  EXPECT_THAT(field("error"), HasSubstr("no luck"));
  // The same command again: another life for all.
  EXPECT_EQ(board->create(spec, false, false).refusal, Refusal::none);
  auto b = joined("b");
  b.work_off();
  EXPECT_EQ(board->state()->done, 100U);
}

TEST_P(LossesTest, ABadBeginningDoesNotEndTheRun) {
  spec.retries = 0;
  auto a = start(400, 1, 0);
  while (const auto range = a.claim({.cost = 1}).range) {
    if (range->first < 25) {
      a.fail(range->first, 1000, "no luck");
    } else {
      a.commit({*range});
    }
  }
  EXPECT_EQ(board->state()->state, "running");
  EXPECT_EQ(board->state()->done, 375U);
  EXPECT_EQ(board->state()->failed, 25U);
}

TEST_P(LossesTest, OneHostOfSeveralDoesNotEndARunByItself) {
  auto a = start(100, 1, 0);
  auto blind = joined("blind/1.x");
  for (int i = 0; i < 30; ++i) blind.fail(blind.claim({.cost = 1}).range->first, 1000, "no such file");
  EXPECT_EQ(board->state()->state, "running") << "the other may see it";
  auto other = joined("other/1.x");
  other.fail(other.claim({.cost = 1}).range->first, 1000, "no such file");
  EXPECT_EQ(board->state()->state, "failed");
}

TEST_P(LossesTest, DifferentErrorsDoNotEndARun) {
  auto a = start(100, 1, 0);
  for (int i = 0; i < 30; ++i) a.fail(a.claim({.cost = 1}).range->first, 1000, i % 2 == 0 ? "no luck" : "no air");
  EXPECT_EQ(board->state()->state, "running");
}

TEST_P(LossesTest, MoreFailedChunksThanAllowedEndTheRun) {
  spec.retries = 0;
  spec.max_failed = 2;
  auto a = start(100, 1, 0);
  for (int i = 0; i < 2; ++i) a.fail(a.claim({.cost = 1}).range->first);
  EXPECT_EQ(board->state()->state, "running");
  a.fail(a.claim({.cost = 1}).range->first);
  EXPECT_EQ(board->state()->state, "failed");
  EXPECT_EQ(field("exit"), "1");
}

TEST_P(LossesTest, ACancelledRunGoesOnWithTheSameCommand) {
  auto a = start(64, 1, 0);
  a.commit({*a.claim({.cost = 4}).range});
  EXPECT_EQ(board->cancel(), Refusal::none);
  EXPECT_EQ(a.claim().refusal, Refusal::ended);
  EXPECT_EQ(board->cancel(), Refusal::ended);
  board->create(spec, false, false);
  auto b = joined("b");
  b.work_off();
  EXPECT_EQ(board->state()->done, 64U);
  EXPECT_EQ(board->state()->computed, 64U) << "what was done is not done again";
}

TEST_P(LossesTest, ARerunTakesTheChosenChunksAndTheNewProgram) {
  spec.retries = 0;
  auto a = start(64, 1, 0);
  a.fail(a.claim({.cost = 1}).range->first);
  a.fail(a.claim({.cost = 1}).range->first);
  a.work_off();
  ASSERT_EQ(finish(a), Refusal::none);
  ASSERT_EQ(board->state()->state, "partial");
  EXPECT_EQ(board->rerun({.chunks = {{0, 1}}, .program = "v2"}).chunks, 1U);
  EXPECT_EQ(board->state()->failed, 1U);
  Hand b(*board, "b");
  EXPECT_EQ(b.join(-1, "v1").refusal, Refusal::program);
  EXPECT_EQ(b.join(-1, "v2").refusal, Refusal::none);
  b.work_off();
  EXPECT_EQ(board->state()->done, 63U);
}

TEST_P(LossesTest, ARerunComputesWhatFailedAndNothingElse) {
  spec.retries = 0;
  auto a = start(64, 2, 0);
  a.fail(a.claim({.cost = 1}).range->first);
  a.fail(a.claim({.cost = 1}).range->first);
  a.work_off();
  ASSERT_EQ(finish(a), Refusal::none);
  EXPECT_EQ(board->rerun({}).chunks, 2U);
  EXPECT_EQ(board->state()->state, "running");
  EXPECT_FALSE(board->result().has_value());
  EXPECT_EQ(broken_rule(look(), spec), "");
  auto b = joined("b", 1);
  EXPECT_THAT(b.work_off({.cost = 1}), ElementsAre("pool", "pool"));
  EXPECT_EQ(board->state()->done, 64U);
  EXPECT_EQ(finish(b), Refusal::none);
  EXPECT_EQ(board->state()->state, "done");
  EXPECT_EQ(board->rerun({}).refusal, Refusal::ended);
}

TEST_P(LossesTest, AnIdleWorkerCopiesTheOldestClaimOfASlowOne) {
  auto a = start(4, 1, 0);
  const auto slow = a.claim({.cost = 1});
  auto b = joined("b");
  b.work_off({.cost = 1});
  EXPECT_FALSE(b.claim({.cost = 1, .copy_after = 5}).range) << "it is not slow yet";
  boards->advance(10);
  EXPECT_FALSE(b.claim({.cost = 1}).range) << "not everybody wants copies";
  const auto copy = b.claim({.cost = 1, .copy_after = 5});
  EXPECT_EQ(copy.source, "copy");
  EXPECT_EQ(copy.range, slow.range);
  auto c = joined("c");
  EXPECT_FALSE(c.claim({.cost = 1, .copy_after = 5}).range) << "one copy is enough";
  EXPECT_THAT(b.commit({*copy.range}).refused, IsEmpty());
  const auto late = a.commit({*slow.range});
  EXPECT_EQ(late.refused.size(), 1U);
  EXPECT_THAT(late.differing, IsEmpty());
  EXPECT_EQ(board->state()->done, 4U);
}

TEST_P(LossesTest, ASecondResultWithOtherBytesIsTold) {
  auto a = start(4, 1, 0);
  a.claim({.cost = 1});
  a.commit({Node{0, 0}});
  a.caller.held.clear();
  ++a.caller.number;
  const auto again = board->commit(a.caller, {}, {{{0, 0}, "other bytes"}});
  EXPECT_THAT(again.refused, ElementsAre(Node{0, 0}));
  EXPECT_THAT(again.differing, ElementsAre(Node{0, 0}));
}

TEST_P(LossesTest, TheThirdLeaderThatDiesWhileItFinishesEndsTheRun) {
  auto a = start(4, 1, 0);
  a.work_off();
  crash(a);
  for (const auto* name : {"b", "c"}) {
    ASSERT_EQ(board->state()->state, "running");
    crash(joined(name));
  }
  EXPECT_EQ(board->state()->state, "failed");
  EXPECT_EQ(field("exit"), "70");
}

TEST_P(LossesTest, TheThirdWorkerThatSaysThatItDiesInAStepOfTheJobEndsTheRun) {
  auto a = start(4, 1, 0);
  a.claim({.cost = 4});
  EXPECT_EQ(board->leave(a.caller, "finish of the job died of a signal"), Refusal::none);
  EXPECT_EQ(board->leave(a.caller, "finish of the job died of a signal"), Refusal::fenced) << "sent twice";
  auto b = joined("b");
  const auto again = b.claim({.cost = 4});
  EXPECT_EQ(again.attempt, 1) << "no chunk is charged";
  b.commit({*again.range});
  b.work_off();
  crash(b);
  EXPECT_EQ(board->state()->state, "running");
  EXPECT_EQ(board->leave(joined("c").caller, "finish of the job called exit(3)"), Refusal::none);
  EXPECT_EQ(board->state()->state, "failed");
  EXPECT_EQ(field("exit"), "70");
  EXPECT_EQ(field("error"), "finish of the job called exit(3), the third such death of this run; mend the job, and the "
                            "same command goes on");
}

TEST_P(LossesTest, HeartbeatsOfThoseWhoComputeAreSignsOfLife) {
  auto a = start(4, 1, 0);
  const auto before = a.renew().active;
  EXPECT_EQ(a.renew().active, before);
  EXPECT_GT(board->renew("a", a.caller.generation, true, "").active, before);
  EXPECT_GT(a.renew().active, before) << "others see it as well";
}

INSTANTIATE_TEST_SUITE_P(Boards, LossesTest, ::testing::Values("Fake", "Redis"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace stint::test_support
