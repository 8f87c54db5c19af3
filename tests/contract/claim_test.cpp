// SPDX-License-Identifier: Apache-2.0
// What a worker is given next: in which order, how much, from whom.
#include "contract/board_test.hpp"

namespace stint::test_support {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_P(BoardTest, GivesRetriesThenThePoolThenItsOwnThenASlotThenSteals) {
  auto a = start(64, 4, 0);
  auto b = joined("b", 1);
  auto c = joined("c", 2);
  const auto chunk = b.claim().range->first;
  EXPECT_TRUE(b.fail(chunk).counted);
  EXPECT_EQ(c.leave(), Refusal::none);
  std::vector<std::string> order;
  for (const auto& source : a.work_off()) {
    if (std::ranges::find(order, source) == order.end()) order.push_back(source);
  }
  EXPECT_THAT(order, ElementsAre("retry", "pool", "own", "slot", "steal"));
}

TEST_P(BoardTest, GivesTheFrontOfItsQueueAsLongAsWished) {
  auto a = start(1000, 1, 0);
  EXPECT_EQ(a.claim({.cost = 4}).range, (Range{0, 4}));
  EXPECT_EQ(a.claim({.cost = 1}).range, (Range{4, 5}));
  EXPECT_EQ(a.claim({.cost = 0}).range, (Range{5, 6})) << "at least one";
  EXPECT_EQ(a.claim({.cost = 0, .least = 2}).range, (Range{6, 8}));
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, CutsAtBordersOfNodesWhereItCan) {
  auto a = start(4096, 1, 0);
  EXPECT_EQ(a.claim({.cost = 100}).range, (Range{0, 64}));
  EXPECT_EQ(a.claim({.cost = 100}).range, (Range{64, 128})) << "164 comes down to 128, which leaves more than half";
  EXPECT_EQ(a.claim({.cost = 3}).range, (Range{128, 130}));
  EXPECT_EQ(a.claim({.cost = 9}).range, (Range{130, 136}));
}

TEST_P(BoardTest, WishesAreInCostAndNotInChunks) {
  spec.profile = {0};
  for (int chunk = 0; chunk < 64; ++chunk) spec.profile.push_back(spec.profile.back() + (chunk < 8 ? 100 : 1));
  auto a = start(64, 1, 0);
  EXPECT_EQ(a.claim({.cost = 210}).range, (Range{0, 2}));
  EXPECT_EQ(a.claim({.cost = 210}).range, (Range{2, 4}));
  a.claim({.cost = 1e9});
  a.claim({.cost = 1e9});
  const auto cheap = a.claim({.cost = 16}).range;
  ASSERT_TRUE(cheap.has_value());
  EXPECT_GE(cheap->size(), 6U);
}

TEST_P(BoardTest, ClaimsShrinkTowardsTheEnd) {
  auto a = start(1024, 1, 0);
  auto b = joined("b");
  std::uint64_t before = 1024, last = 0;
  for (auto claimed = a.claim({.cost = 1e9}); claimed.range; claimed = a.claim({.cost = 1e9})) {
    EXPECT_LE(claimed.range->size(), std::max<std::uint64_t>(before / 8, 1)) << "a quarter of an even share of two";
    before -= claimed.range->size();
    last = claimed.range->size();
    a.commit({*claimed.range});
  }
  EXPECT_EQ(last, 1U);
  EXPECT_EQ(before, 0U);
}

TEST_P(BoardTest, ManyThreadsGetAChunkEachUnlessTheEndIsNear) {
  auto a = start(64, 1, 0);
  EXPECT_EQ(a.claim({.cost = 1, .least = 16}).range->size(), 16U);
  a.commit({Range{0, 16}});
  EXPECT_EQ(a.claim({.cost = 1, .least = 64}).range->size(), 24U) << "half of an even share of what remains";
}

TEST_P(BoardTest, SkipsWhatIsDone) {
  auto a = start(64, 1, 0);
  auto late = joined("late");
  late.commit({Range{0, 3}, Range{6, 7}, Range{8, 16}});
  EXPECT_EQ(a.claim({.cost = 8}).range, (Range{3, 6})) << "up to the next that is done";
  EXPECT_EQ(a.claim({.cost = 8}).range, (Range{7, 8}));
  EXPECT_EQ(a.claim({.cost = 8}).range->first, 16U);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, SaysHowMuchStillWaitsForIt) {
  auto a = start(64, 1, 0);
  const auto claimed = a.claim();
  EXPECT_EQ(claimed.queued, 60U);
  EXPECT_EQ(claimed.done, 0U);
  EXPECT_EQ(claimed.attempt, 1);
  EXPECT_EQ(claimed.source, "own");
  EXPECT_DOUBLE_EQ(look().load.at("a"), 60);
}

TEST_P(BoardTest, LoadIsCostTimesTheWorkersOwnRate) {
  auto a = start(64, 1, 0);
  a.caller.rate = 0.5;
  a.claim();
  EXPECT_DOUBLE_EQ(look().load.at("a"), 30);
}

TEST_P(BoardTest, ClaimsThatTheCallerDoesNotHoldGoBackToTheFrontOfItsQueue) {
  auto a = start(64, 1, 0);
  const auto lost = a.claim();  // as if the reply had never come
  a.caller.held.clear();
  const auto again = a.claim();
  EXPECT_EQ(again.range, lost.range);
  EXPECT_EQ(again.source, "own");
  const auto picture = look();
  EXPECT_THAT(picture.claims.at("a"), ElementsAre(*lost.range));
  EXPECT_EQ(broken_rule(picture, spec), "");
}

TEST_P(BoardTest, TheSameClaimSentTwiceLeaksNothing) {
  auto a = start(64, 1, 0);
  a.claim();
  const auto held = a.caller.held;
  a.claim();
  a.caller.held = held;
  --a.caller.number;  // the same request, word for word
  a.claim();
  EXPECT_EQ(a.caller.held.size(), 2U);
  EXPECT_EQ(broken_rule(look(), spec), "");
  a.commit(a.caller.held);
  a.work_off();
  EXPECT_EQ(board->state()->done, 64U);
}

TEST_P(BoardTest, RefusesAnOlderRequestThanTheLastSeen) {
  auto a = start(64, 1, 0);
  a.claim();
  a.claim();
  a.caller.number = 0;
  EXPECT_EQ(a.claim().refusal, Refusal::stale);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, RefusesClaimAfterTheWorkerWasReaped) {
  auto a = start(64, 1, 0);
  a.claim();
  EXPECT_EQ(board->reap(a.caller.generation, "a", std::nullopt, Blame::none), Refusal::none);
  EXPECT_EQ(a.claim().refusal, Refusal::fenced);
}

TEST_P(BoardTest, AnswersFullUntilTheLeaderLiftsTheLimit) {
  spec.node_limit = 2;
  auto a = start(64, 1, 0);
  const auto first = *a.claim({.cost = 1}).range;
  const auto second = *a.claim({.cost = 1}).range;
  const auto third = *a.claim({.cost = 1}).range;
  a.commit({first});
  a.commit({second});
  const auto full = a.claim();
  EXPECT_EQ(full.refusal, Refusal::full);
  EXPECT_EQ(full.done, 2U);
  EXPECT_FALSE(full.range.has_value());
  EXPECT_THAT(a.commit({third}).refused, IsEmpty()) << "commits are never refused for fullness";
  EXPECT_EQ(board->fold("a", a.caller.generation, {}, {}, true), Refusal::none);
  EXPECT_EQ(board->state()->fields.at("node_limit"), "4");
  EXPECT_EQ(a.claim().refusal, Refusal::none);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, AnswersFullWhenTheNodesAreHeavy) {
  spec.byte_limit = 10;
  auto a = start(64, 1, 0);
  a.work_off();
  EXPECT_EQ(a.claim().refusal, Refusal::full);
  EXPECT_EQ(board->state()->done, 8U);
}

TEST_P(BoardTest, TakesASlotThatNobodyWished) {
  auto a = start(64, 4);
  const auto claimed = a.claim();
  EXPECT_EQ(claimed.source, "slot");
  EXPECT_THAT(look().slots, ElementsAre(true, false, false, false));
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, PassesOverSlotsWithoutChunks) {
  auto a = start(3, 8);  // slots 0, 1, 3, 4 and 6 are empty
  std::uint64_t got = 0;
  for (auto claimed = a.claim(); claimed.range; claimed = a.claim()) got += claimed.range->size();
  EXPECT_EQ(got, 3U);
}

// The two share 1000 chunks, `a` with all of them in its queue.
struct Theft {
  Claimed claimed;
  std::uint64_t stolen = 0;
  std::uint64_t left = 0;
};

Theft steal_from(Hand& victim, Hand& thief, const ClaimWish& wish, const std::function<Picture()>& look) {
  victim.claim({.cost = 1});
  Theft theft;
  theft.claimed = thief.claim(wish);
  const auto picture = look();
  theft.stolen = count(picture.queues.at(thief.caller.worker)) + count(picture.claims.at(thief.caller.worker));
  theft.left = count(picture.queues.at(victim.caller.worker));
  return theft;
}

TEST_P(BoardTest, AThiefOfUnknownSpeedTakesHalfFromTheBack) {
  auto a = start(1000, 1, 0);
  auto b = joined("b");
  const auto theft = steal_from(a, b, {.cost = 4}, [&] { return look(); });
  EXPECT_EQ(theft.claimed.source, "steal");
  EXPECT_EQ(theft.stolen + theft.left, 999U);
  EXPECT_NEAR(static_cast<double>(theft.stolen), 500, 65) << "half, cut at the border of a node";
  EXPECT_EQ(theft.claimed.range->first, theft.left + 1) << "the victim keeps its front";
  EXPECT_EQ(board->state()->steals, 1U);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, AThiefTakesWhatLetsBothEndTogether) {
  for (const auto& [rate, share] : {std::pair{0.25, 800.0}, std::pair{4.0, 200.0}}) {
    auto a = start(1000, 1, 0);
    auto b = joined("b");
    a.caller.rate = 1;
    b.caller.rate = rate;
    const auto theft = steal_from(a, b, {.cost = 4}, [&] { return look(); });
    EXPECT_NEAR(static_cast<double>(theft.stolen), share, 0.15 * share) << "a thief with rate " << rate;
    EXPECT_EQ(broken_rule(look(), spec), "");
  }
}

TEST_P(BoardTest, StealsFromTheHighestLoadAndNeverFromItself) {
  auto a = start(64, 4, 0);
  auto b = joined("b", 1), c = joined("c", 2), d = joined("d", 3);
  c.caller.rate = 10;
  for (auto* hand : {&a, &b, &c}) hand->claim({.cost = 1});
  d.work_off({.cost = 4, .steal = false});
  EXPECT_EQ(d.claim().source, "steal");
  const auto picture = look();
  EXPECT_LT(count(picture.queues.at("c")), 15U);
  EXPECT_EQ(count(picture.queues.at("a")), 15U);
  EXPECT_EQ(count(picture.queues.at("b")), 15U);
}

TEST_P(BoardTest, StealsEvenWhenItsOwnOldLoadIsTheHighest) {
  auto a = start(64, 2, 0);
  auto b = joined("b", 1);
  b.caller.rate = 100;
  b.claim({.cost = 1, .steal = false});
  a.commit({Range{0, 64}});  // a late hand, as it were: all that waits for b is
                             // done by now, and a's too
  auto c = joined("c");
  EXPECT_FALSE(b.claim().range.has_value());
  EXPECT_DOUBLE_EQ(look().load.at("b"), 0);
}

TEST_P(BoardTest, TheLastChunkInAQueueCanBeStolen) {
  auto a = start(2, 1, 0);
  auto b = joined("b");
  const auto theft = steal_from(a, b, {.cost = 4}, [&] { return look(); });
  EXPECT_EQ(theft.claimed.range, (Range{1, 2}));
  EXPECT_EQ(theft.left, 0U);
  EXPECT_DOUBLE_EQ(look().load.at("a"), 0);
}

TEST_P(BoardTest, NeverStealsLessThanIsWorthTheWay) {
  auto a = start(64, 1, 0);
  auto b = joined("b");
  a.caller.rate = 0.01;  // its queue of 63 is worth 0.63 s, a half of it 0.32 s
  const auto theft = steal_from(a, b, {.cost = 4, .least_steal = 0.4}, [&] { return look(); });
  EXPECT_FALSE(theft.claimed.range.has_value());
  EXPECT_EQ(theft.left, 63U);
  EXPECT_EQ(board->state()->steals, 0U);
  EXPECT_TRUE(b.claim({.cost = 4, .least_steal = 0.2}).range.has_value());
}

TEST_P(BoardTest, WhatWaitsBehindALongChunkIsStolenHoweverShortItLooks) {
  for (const double thief_rate : {0.0, 1e-6, 1.0}) {  // 1.0: the thief has just had a long one itself
    SCOPED_TRACE(thief_rate);
    auto a = start(2, 1, 0);
    auto b = joined("b");
    a.caller.rate = 1e-6;
    a.claim({.cost = 1});
    b.caller.rate = thief_rate;
    const ClaimWish wish{.cost = 1, .least_steal = 0.3};
    boards->advance(0.2);
    EXPECT_FALSE(b.claim(wish).range.has_value()) << "the first may be as short as it looks";
    boards->advance(1);
    const auto claimed = b.claim(wish);
    EXPECT_EQ(claimed.range, (Range{1, 2}));
    EXPECT_EQ(claimed.source, "steal");
  }
}

TEST_P(BoardTest, WhatIsNotLateYetIsNotStolenForThat) {
  auto a = start(2, 1, 0);
  auto b = joined("b");
  a.caller.rate = 100;  // a claim of 100 s has just begun, and 100 s wait
  const auto theft = steal_from(a, b, {.cost = 1, .least_steal = 150}, [&] { return look(); });
  EXPECT_FALSE(theft.claimed.range.has_value());
}

TEST_P(BoardTest, ASlowThiefDoesNotTakeAChunkThatItWouldEndLate) {
  auto a = start(2, 1, 0);
  auto b = joined("b");
  a.caller.rate = 1;
  b.caller.rate = 50;
  EXPECT_FALSE(steal_from(a, b, {.cost = 4}, [&] { return look(); }).claimed.range.has_value());
  b.caller.rate = 1.5;
  EXPECT_EQ(b.claim().source, "steal");
}

TEST_P(BoardTest, StealsNothingWhenToldNotTo) {
  auto a = start(64, 1, 0);
  auto b = joined("b");
  EXPECT_FALSE(b.claim({.cost = 4, .steal = false}).range.has_value());
  EXPECT_EQ(count(look().queues.at("a")), 64U);
}

TEST_P(BoardTest, ARetryGoesElsewhereFirst) {
  auto a = start(8, 1, 0);
  auto b = joined("b");
  a.claim();
  EXPECT_TRUE(a.fail(0).counted);
  EXPECT_NE(a.claim({.cost = 1}).source, "retry");
  const auto retry = b.claim({.cost = 1});
  EXPECT_EQ(retry.source, "retry");
  EXPECT_EQ(retry.range, (Range{0, 1}));
  EXPECT_EQ(retry.attempt, 2);
}

TEST_P(BoardTest, ARetryThatNobodyElseTakesGoesToWhoeverAsksAfterALease) {
  auto a = start(8, 1, 0);
  auto b = joined("b");
  a.claim();
  a.fail(0);
  boards->advance(9);
  EXPECT_NE(a.claim({.cost = 1, .lease = 10}).source, "retry");
  boards->advance(2);
  EXPECT_EQ(a.claim({.cost = 1, .lease = 10}).source, "retry");
}

TEST_P(BoardTest, ARetryWaitsForItsDelay) {
  auto a = start(1, 1, 0);
  a.claim();
  EXPECT_FALSE(a.fail(0, 30).for_good);
  EXPECT_FALSE(a.claim().range.has_value());
  EXPECT_THAT(look().delayed, ElementsAre(0));
  boards->advance(31);
  const auto retry = a.claim();
  EXPECT_EQ(retry.source, "retry") << "the only worker need not wait for others";
  EXPECT_EQ(retry.attempt, 2);
  EXPECT_THAT(look().delayed, IsEmpty());
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, AllChunksAreHandedOutOnceToMany) {
  auto a = start(1000, 3, 0);
  std::vector<Hand> hands{a, joined("b", 1), joined("c"), joined("d")};
  for (bool any = true; any;) {
    any = false;
    for (auto& hand : hands) {
      const auto claimed = hand.claim({.cost = 7});
      if (!claimed.range) continue;
      any = true;
      EXPECT_THAT(hand.commit({*claimed.range}).refused, IsEmpty());
    }
    ASSERT_EQ(broken_rule(look(), spec), "");
  }
  EXPECT_EQ(board->state()->done, 1000U);
  EXPECT_EQ(board->state()->again, 0U);
}

}  // namespace
}  // namespace stint::test_support
