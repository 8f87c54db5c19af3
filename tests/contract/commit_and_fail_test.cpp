// SPDX-License-Identifier: Apache-2.0
// What counts: nodes that come in, once, twice, late or too large; chunks that failed.
#include "contract/board_test.hpp"

#include <nlohmann/json.hpp>

namespace stint::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST_P(BoardTest, ACommitCountsItsChunksAndKeepsItsNodes) {
  auto a = start(64, 1, 0);
  const auto range = *a.claim({.cost = 8}).range;
  const auto committed = a.commit({range});
  EXPECT_EQ(committed.refusal, Refusal::none);
  EXPECT_EQ(committed.done, 8U);
  EXPECT_THAT(committed.refused, IsEmpty());
  EXPECT_THAT(board->nodes(), ElementsAre(Node{3, 0}));
  EXPECT_THAT(board->frames({{3, 0}, {3, 1}}), ElementsAre("<3:0>", "")) << "empty where there is none";
  const auto picture = look();
  EXPECT_THAT(picture.claims.at("a"), IsEmpty());
  EXPECT_EQ(picture.run.computed, 8U);
  EXPECT_DOUBLE_EQ(picture.run.busy_seconds, 2);
  EXPECT_EQ(broken_rule(picture, spec), "");
}

TEST_P(BoardTest, ACommitOfPartOfTheClaimLeavesTheRest) {
  auto a = start(64, 1, 0);
  a.claim({.cost = 8});
  a.commit({Range{0, 2}, Range{4, 5}});
  EXPECT_THAT(look().claims.at("a"), ElementsAre(Range{2, 4}, Range{5, 8}));
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, NodesOfAllSizesSetTheirBitsAndNoOther) {
  for (unsigned level = 0; level <= 9; ++level) {
    for (const std::uint64_t index : {0, 1, 2, 3, 5, 7}) {
      auto a = start(5000);
      const Node node{level, index};
      if (node.last() > 5000) continue;
      EXPECT_EQ(a.commit(std::vector{node}).done, node.size());
      ASSERT_EQ(broken_rule(look(), spec), "") << node.name();
    }
  }
}

TEST_P(BoardTest, WhatTheCallerGaveUpGoesBackToItsQueue) {
  auto a = start(64, 1, 0);
  a.claim({.cost = 8});
  a.caller.held = {{0, 3}};
  a.commit({Range{0, 1}});
  const auto picture = look();
  EXPECT_THAT(picture.claims.at("a"), ElementsAre(Range{1, 3}));
  EXPECT_THAT(picture.queues.at("a"), ElementsAre(Range{3, 64}));
  EXPECT_EQ(broken_rule(picture, spec), "");
}

TEST_P(BoardTest, RefusesAnEntryOfWhichAChunkIsDoneAndPoolsTheRest) {
  auto a = start(64, 1, 0);
  auto b = joined("b");
  a.claim({.cost = 8});
  b.commit({Range{2, 3}});
  const auto committed = a.commit(std::vector<Node>{{2, 0}, {2, 1}});
  EXPECT_EQ(committed.refusal, Refusal::none);
  EXPECT_THAT(committed.refused, ElementsAre(Node{2, 0}));
  EXPECT_EQ(committed.done, 5U);
  const auto picture = look();
  EXPECT_THAT(picture.pool(), ElementsAre(Range{0, 4})) << "claim skips what is done";
  EXPECT_EQ(picture.run.again, 4U);
  EXPECT_EQ(broken_rule(picture, spec), "");
  EXPECT_EQ(a.claim().range, (Range{0, 2}));
  EXPECT_EQ(a.claim().range, (Range{3, 4}));
}

TEST_P(BoardTest, OfEntriesThatOverlapTheFirstCounts) {
  auto a = start(64, 1, 0);
  a.claim({.cost = 8});
  const auto committed = a.commit(std::vector<Node>{{1, 0}, {2, 0}, {0, 1}, {0, 2}});
  EXPECT_THAT(committed.refused, ElementsAre(Node{2, 0}, Node{0, 1}));
  EXPECT_EQ(committed.done, 3U);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, TheSameCommitSentTwiceCountsOnce) {
  auto a = start(64, 1, 0);
  const auto range = *a.claim({.cost = 8}).range;
  a.commit({range});
  const auto again = a.commit({range});
  EXPECT_EQ(again.refusal, Refusal::none);
  EXPECT_THAT(again.refused, ElementsAre(Node{3, 0}));
  EXPECT_EQ(again.done, 8U);
  EXPECT_THAT(look().pool(), IsEmpty()) << "all of it is done";
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, AFencedWorkersNodesStillCount) {
  auto a = start(64, 1, 0);
  const auto range = *a.claim({.cost = 8}).range;
  board->reap(a.caller.generation, "a", std::nullopt, Blame::none);
  auto b = joined("b");
  b.commit({Range{4, 8}});
  const auto late = a.commit(std::vector<Node>{{2, 0}, {2, 1}});
  EXPECT_EQ(late.refusal, Refusal::fenced);
  EXPECT_EQ(late.done, 8U);
  EXPECT_THAT(late.refused, ElementsAre(Node{2, 1}));
  EXPECT_FALSE(look().claims.contains("a")) << "it is not let in again";
  EXPECT_EQ(range, (Range{0, 8}));
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, ALateCommitIsRefusedAsStaleAndChangesNothing) {
  auto a = start(64, 1, 0);
  const auto range = *a.claim().range;
  a.claim();
  a.caller.number = 0;
  EXPECT_EQ(a.commit({range}).refusal, Refusal::stale);
  EXPECT_EQ(board->state()->done, 0U);
}

TEST_P(BoardTest, RefusesANodeBeyondThePlanAndLosesNoneOfItsChunks) {
  auto a = start(12, 1, 0);
  a.claim({.cost = 8});
  a.claim({.cost = 8});
  a.claim({.cost = 8});
  a.caller.held.clear();
  const auto committed = a.commit(std::vector<Node>{{3, 1}, {4, 0}, {2, 3}, {20, 5}});
  EXPECT_EQ(committed.refused.size(), 4U);
  EXPECT_EQ(committed.done, 0U);
  EXPECT_THAT(board->nodes(), IsEmpty());
  EXPECT_EQ(broken_rule(look(), spec), "");
  a.work_off();
  EXPECT_EQ(board->state()->done, 12U);
}

TEST_P(BoardTest, ACommitTakesItsChunksOutOfDelayedAndFailed) {
  spec.retries = 1;
  auto a = start(256, 1, 0);
  auto b = joined("b");
  a.claim({.cost = 8});
  a.fail(0, 0);
  a.fail(1, 60);
  b.claim({.cost = 1});
  EXPECT_TRUE(b.fail(0).for_good);
  EXPECT_THAT(board->failures(), ::testing::SizeIs(1));
  EXPECT_THAT(look().delayed, ElementsAre(1));
  const auto committed = b.commit(std::vector{Node{7, 0}});  // larger than what is looked at chunk by chunk
  EXPECT_EQ(committed.failed, 0U);
  EXPECT_EQ(committed.done, 128U);
  EXPECT_THAT(board->failures(), IsEmpty());
  EXPECT_THAT(look().delayed, IsEmpty());
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, ASmallCommitTakesOnlyItsOwnChunksOutOfDelayed) {
  auto a = start(64, 1, 0);
  a.claim({.cost = 8});
  for (const std::uint64_t chunk : {0, 1, 2, 3}) a.fail(chunk, 60);
  auto b = joined("b");
  b.commit({Range{0, 1}, Range{2, 3}});
  EXPECT_THAT(look().delayed, ElementsAre(1, 3));
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, RemembersWhenTheFirstClaimCameAndTheLastChunkEnded) {
  auto a = start(64, 1, 0);
  EXPECT_FALSE(board->state()->fields.contains("first_claim"));
  a.claim();
  const double begun = std::stod(board->state()->fields.at("first_claim"));
  ++a.caller.number;
  board->commit(a.caller, {.computed = 1, .busy_seconds = 1, .last_end = 0}, {});
  const double end = std::stod(board->state()->fields.at("last_end"));
  EXPECT_GE(end, begun);
  ++a.caller.number;
  board->commit(a.caller, {.computed = 1, .busy_seconds = 1, .last_end = 100}, {});
  EXPECT_EQ(std::stod(board->state()->fields.at("last_end")), end) << "a worker that tells of it late";
  a.claim();
  EXPECT_EQ(std::stod(board->state()->fields.at("first_claim")), begun);
}

TEST_P(BoardTest, AChunkIsTriedAgainAndThenFailedForGood) {
  spec.retries = 2;
  auto a = start(4, 1, 0);
  auto b = joined("b");
  for (int attempt = 1; attempt <= 3; ++attempt) {
    auto& hand = attempt % 2 == 1 ? a : b;
    EXPECT_EQ(hand.claim({.cost = 1}).attempt, attempt);
    const auto failed = hand.fail(0);
    EXPECT_EQ(failed.refusal, Refusal::none);
    EXPECT_TRUE(failed.counted);
    EXPECT_EQ(failed.attempts, attempt);
    EXPECT_EQ(failed.for_good, attempt == 3);
    EXPECT_EQ(failed.first, attempt == 1);
    EXPECT_EQ(broken_rule(look(), spec), "");
  }
  EXPECT_EQ(board->state()->failed, 1U);
  const auto text = nlohmann::json::parse(board->failures().at(0));
  EXPECT_EQ(text.at("error"), "no luck");
  EXPECT_EQ(text.at("host"), "a");
  EXPECT_EQ(text.at("worker"), "a");
  EXPECT_EQ(text.at("attempts"), 3);
  a.work_off();
  EXPECT_EQ(board->state()->done, 3U);
}

TEST_P(BoardTest, AFailureCountsOnlyForAChunkInTheCallersClaims) {
  auto a = start(64, 1, 0);
  auto b = joined("b");
  a.claim();
  const auto other = b.fail(0);
  EXPECT_EQ(other.refusal, Refusal::none);
  EXPECT_FALSE(other.counted);
  EXPECT_FALSE(a.fail(40).counted) << "it only waits";
  EXPECT_EQ(look().run.failed, 0U);
  EXPECT_THAT(look().delayed, IsEmpty());
}

TEST_P(BoardTest, AFailureOfAChunkThatIsDoneDoesNotCount) {
  auto a = start(64, 1, 0);
  auto b = joined("b");
  a.claim();
  b.commit({Range{0, 1}});
  EXPECT_FALSE(a.fail(0).counted);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, TheSameFailureSentTwiceCountsOnce) {
  auto a = start(64, 1, 0);
  a.claim();
  EXPECT_EQ(a.fail(0, 60).attempts, 1);
  EXPECT_FALSE(a.fail(0, 60).counted);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, AFailureGivesBackWhatTheCallerNoLongerHolds) {
  auto a = start(64, 1, 0);
  a.claim({.cost = 8});
  a.caller.held = {{0, 1}, {6, 8}};
  a.fail(0, 60);
  const auto picture = look();
  EXPECT_THAT(picture.claims.at("a"), ElementsAre(Range{6, 8}));
  EXPECT_THAT(picture.queues.at("a"), ElementsAre(Range{1, 6}, Range{8, 64}));
  EXPECT_EQ(broken_rule(picture, spec), "");
}

TEST_P(BoardTest, AChunkThatFailsForGoodInTwoHandsIsCountedOnce) {
  spec.retries = 0;
  auto a = start(8, 1, 0);
  a.claim({.cost = 1});
  board->reap(a.caller.generation, "a", std::nullopt, Blame::none);
  auto b = joined("b"), c = joined("c");
  EXPECT_EQ(b.claim({.cost = 1}).range, (Range{0, 1}));
  // A rejected copy of chunk 0 puts it into the pool a second time.
  c.commit({Range{0, 1}});
  board->reject(c.caller.generation, {0, 0}, frame_of({0, 0}));
  while (!c.caller.held.size()) {
    const auto claimed = c.claim({.cost = 1});
    ASSERT_TRUE(claimed.range.has_value());
    if (claimed.range->first != 0) c.commit({*claimed.range});
  }
  EXPECT_TRUE(b.fail(0).for_good);
  EXPECT_TRUE(c.fail(0).for_good);
  EXPECT_EQ(board->state()->failed, 1U);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, RefusesFailuresOfTheReapedAndOfOldRequests) {
  auto a = start(64, 1, 0);
  a.claim();
  a.claim();
  const auto number = a.caller.number;
  a.caller.number = 0;
  EXPECT_EQ(a.fail(0).refusal, Refusal::stale);
  a.caller.number = number;
  board->reap(a.caller.generation, "a", std::nullopt, Blame::none);
  EXPECT_EQ(a.fail(0).refusal, Refusal::fenced);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

}  // namespace
}  // namespace stint::test_support
