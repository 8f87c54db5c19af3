// SPDX-License-Identifier: Apache-2.0
#include "support/simulated_worker.hpp"

#include "engine/workload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace stint {
namespace {

using support::ManualClock;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint64_t many = 1 << 20;

class WorkloadTest : public ::testing::Test {
 protected:
  void compute(const Block& block) { support::compute(*job, workload, block); }
  // One thread computes all that is ready, each block in so many seconds a chunk.
  void compute_all(double seconds) {
    while (const auto block = workload.try_take()) {
      clock.advance(seconds * static_cast<double>(block->chunks.size()));
      compute(*block);
    }
  }
  std::vector<std::string> collected() {
    std::vector<std::string> texts;
    for (const auto& [node, partial] : workload.collect().nodes) {
      texts.push_back(node.name() + "=" + archive::decode<std::string>(job->encode(*partial)));
    }
    return texts;
  }

  std::shared_ptr<Adapter<support::Trace>> job = support::trace_job({{"chunks", {std::to_string(many)}}});
  ManualClock clock;
  Workload workload{*job, Costs(), 2, clock};
  int changes = 0;
};

TEST_F(WorkloadTest, ARetryIsNotTakenForTheBlockOfTheSameChunksThatWasGivenUp) {
  workload.add({7, 8}, 1);
  const auto endless = workload.try_take();
  clock.advance(5);
  const auto failure = workload.give_up_overdue(1);
  ASSERT_TRUE(endless && failure);
  workload.add_failure(*failure);
  workload.failure_told(7);
  workload.add({7, 8}, 2);
  const auto retry = workload.try_take();
  ASSERT_TRUE(retry);
  compute(*retry);
  EXPECT_THAT(collected(), SizeIs(1)) << "the retry succeeded, and its result was dropped";
  EXPECT_EQ(workload.threads(), 1) << "the thread of the first attempt is still lost";
  compute(*endless);
  EXPECT_EQ(workload.threads(), 2);
  EXPECT_THAT(collected(), IsEmpty()) << "what it brings at last is not wanted";
}

TEST_F(WorkloadTest, GivesSingleChunksWhileTheirLengthIsUnknown) {
  workload.add({4, 7}, 3);
  const auto first = workload.try_take();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->chunks, (Range{4, 5}));
  EXPECT_EQ(first->attempt, 3);
  EXPECT_EQ(workload.try_take()->chunks, (Range{5, 6}));
  EXPECT_EQ(workload.try_take()->chunks, (Range{6, 7}));
  EXPECT_FALSE(workload.try_take());
}

TEST_F(WorkloadTest, BlocksOfShortChunksCoverTheRangeOnceAndEndAtBordersOfNodes) {
  workload.add({0, 1}, 1);
  compute_all(1e-5);
  workload.add({3, 10'000}, 1);
  std::uint64_t at = 3;
  while (const auto block = workload.try_take()) {
    EXPECT_EQ(block->chunks.first, at);
    EXPECT_LE(block->chunks.size(), 50U);
    at = block->chunks.last;
    EXPECT_TRUE(at % 16 == 0 || at > 9'000) << at << ": a block of up to 50 chunks reaches a border of 16 or more";
  }
  EXPECT_EQ(at, 10'000U);
}

TEST_F(WorkloadTest, MergesSiblingsInAnyOrderAndNothingElse) {
  workload.add({1, 8}, 1);
  std::vector<Block> blocks;
  while (const auto block = workload.try_take()) blocks.push_back(*block);
  for (const std::size_t i : {5, 0, 2, 6, 4, 1, 3}) compute(blocks.at(i));
  EXPECT_THAT(collected(), ElementsAre("0:1=1", "1:1=(2 3)", "2:1=((4 5) (6 7))"));
  EXPECT_THAT(workload.collect().nodes, IsEmpty());
}

TEST_F(WorkloadTest, AMergedNodeWaitsAsLongAsItsOldestPart) {
  EXPECT_FALSE(workload.waiting_since());
  workload.add({0, 2}, 1);
  const auto left = *workload.try_take();
  const auto right = *workload.try_take();
  compute(left);
  const double since = clock.now();
  clock.advance(0.9);
  compute(right);
  ASSERT_TRUE(workload.waiting_since());
  EXPECT_DOUBLE_EQ(*workload.waiting_since(), since);
  EXPECT_THAT(collected(), ElementsAre("1:0=(0 1)"));
  EXPECT_FALSE(workload.waiting_since());
}

TEST_F(WorkloadTest, HoldsWhatItHasUntilItIsCommittedOrTold) {
  EXPECT_THAT(workload.held(), IsEmpty());
  EXPECT_TRUE(workload.idle());
  workload.add({0, 4}, 1);
  workload.add({8, 10}, 1);
  EXPECT_THAT(workload.held(), ElementsAre(Range{0, 4}, Range{8, 10}));
  EXPECT_THAT(workload.held({{1, 1}}), ElementsAre(Range{0, 2}, Range{8, 10}));
  EXPECT_FALSE(workload.idle());
  compute_all(0.001);
  EXPECT_FALSE(workload.idle());
  EXPECT_THAT(collected(), ElementsAre("1:4=(8 9)", "2:0=((0 1) (2 3))"));
  EXPECT_THAT(workload.held(), SizeIs(2)) << "collected is not committed";
  workload.committed({{2, 0}});
  EXPECT_THAT(workload.held(), ElementsAre(Range{8, 10}));
  workload.committed({{1, 4}});
  EXPECT_THAT(workload.held(), IsEmpty());
  EXPECT_TRUE(workload.idle());
}

TEST_F(WorkloadTest, ReportsWorkOnceAndSinceWhenTheLastChunkEnded) {
  EXPECT_LT(workload.collect().work.last_end, 0);
  workload.add({0, 3}, 1);
  compute_all(0.5);
  clock.advance(2);
  const auto work = workload.collect().work;
  EXPECT_EQ(work.computed, 3U);
  EXPECT_DOUBLE_EQ(work.busy_seconds, 1.5);
  EXPECT_DOUBLE_EQ(work.last_end, 2);
  EXPECT_EQ(workload.collect().work.computed, 0U);
}

TEST_F(WorkloadTest, AnAttemptThatFailedIsNoComputedChunk) {
  workload.add({0, 3}, 1);
  while (const auto block = workload.try_take()) {
    clock.advance(1);
    if (block->chunks.first == 1) {
      workload.put(*block, {}, {{1, 1, "bad"}});
    } else {
      compute(*block);
    }
  }
  const auto work = workload.collect().work;
  EXPECT_EQ(work.computed, 2U);
  EXPECT_DOUBLE_EQ(work.busy_seconds, 2) << "the mean time of a chunk follows from both";
}

TEST_F(WorkloadTest, TellsFailuresOneByOneAndHoldsTheirChunksUntilThen) {
  workload.add({0, 3}, 2);
  std::vector<Block> blocks;
  while (const auto block = workload.try_take()) blocks.push_back(*block);
  EXPECT_FALSE(workload.next_failure());
  workload.put(blocks[0], {}, {{0, 2, "bad"}});
  workload.put(blocks[2], {}, {{2, 2, "worse"}});
  compute(blocks[1]);
  ASSERT_TRUE(workload.next_failure());
  EXPECT_EQ(workload.next_failure()->error, "bad") << "the same until it is told";
  EXPECT_EQ(workload.next_failure()->attempt, 2);
  EXPECT_THAT(workload.held(), ElementsAre(Range{0, 3}));
  workload.failure_told(0);
  EXPECT_THAT(workload.held(), ElementsAre(Range{1, 3}));
  EXPECT_EQ(workload.next_failure()->chunk, 2U);
  workload.failure_told(2);
  EXPECT_FALSE(workload.next_failure());
  EXPECT_THAT(collected(), ElementsAre("0:1=1"));
}

TEST_F(WorkloadTest, MeasuresTheRateOfAllThreadsTogether) {
  EXPECT_EQ(workload.rate(), 0);
  workload.add({0, 1}, 1);
  compute_all(0.5);
  EXPECT_DOUBLE_EQ(workload.rate(), 0.25) << "two threads";
  EXPECT_DOUBLE_EQ(workload.demand().chunk_seconds, 0.5);
  workload.add({1, 101}, 1);
  EXPECT_DOUBLE_EQ(workload.demand().ready_seconds, 25);
  EXPECT_EQ(workload.demand().ready_chunks, 100U);
  compute_all(0.1);
  EXPECT_NEAR(workload.rate(), 0.05, 0.005) << "ten seconds later the first chunk counts for little";
}

TEST_F(WorkloadTest, MeasuresInTheUnitOfThePlansWeights) {
  Workload weighed(*job, Costs({1, 1, 8}), 1, clock);
  weighed.add({0, 1}, 1);
  const auto block = *weighed.try_take();
  clock.advance(2);
  support::compute(*job, weighed, block);
  weighed.add({1, 3}, 1);
  EXPECT_DOUBLE_EQ(weighed.demand().ready_seconds, 18);
}

TEST_F(WorkloadTest, ABlockThatLastsLongerThanExpectedRaisesTheEstimate) {
  workload.add({0, 1}, 1);
  compute_all(0.001);
  workload.add({1, 21}, 1);
  const auto slow = *workload.try_take();
  EXPECT_LT(workload.demand().ready_seconds, 0.1);
  clock.advance(2);
  EXPECT_GT(workload.demand().ready_seconds, 1) << "two chunks took two seconds, and 19 are ready";
  compute(slow);
}

TEST_F(WorkloadTest, OneLongChunkAfterManyShortOnesSaysLittleAboutTheRest) {
  for (std::uint64_t at = 0; at < 10'000; at += 100) {
    workload.add({at, at + 100}, 1);
    compute_all(0.001);
  }
  workload.add({10'000, 10'101}, 1);
  const auto slow = *workload.try_take();
  clock.advance(2);
  EXPECT_LT(workload.demand().ready_seconds, 0.5);
  compute(slow);
}

TEST_F(WorkloadTest, GivesBackFromTheBackWhatIsTooMuch) {
  workload.add({0, 1}, 1);
  compute_all(1);
  workload.committed({{0, 0}});
  workload.add({10, 20}, 1);
  workload.add({30, 32}, 1);
  EXPECT_FALSE(workload.trim(6)) << "ten and two chunks of a second on two threads";
  EXPECT_TRUE(workload.trim(5));
  EXPECT_THAT(workload.held(), ElementsAre(Range{10, 20}));
  EXPECT_TRUE(workload.trim(2));
  EXPECT_THAT(workload.held(), ElementsAre(Range{10, 12})) << "halves until it is enough, not the whole range";
  EXPECT_EQ(workload.demand().ready_chunks, 2U);
  EXPECT_TRUE(workload.trim(0));
  EXPECT_THAT(workload.held(), IsEmpty());
  EXPECT_FALSE(workload.try_take());
}

TEST_F(WorkloadTest, KeepsAChunkForEachThreadThatIsIdle) {
  workload.add({0, 1}, 1);
  compute_all(10);
  workload.committed({{0, 0}});
  workload.add({10, 20}, 1);
  EXPECT_TRUE(workload.trim(0.2));
  EXPECT_THAT(workload.held(), ElementsAre(Range{10, 12}));
  EXPECT_FALSE(workload.trim(0.2));
}

TEST_F(WorkloadTest, GivesBackAllOfItWhileTheRateIsUnknown) {
  workload.add({10, 20}, 1);
  EXPECT_TRUE(workload.trim(0));
  EXPECT_THAT(workload.held(), IsEmpty());
  EXPECT_TRUE(workload.idle());
}

TEST_F(WorkloadTest, ALeftBlockStaysHeldButDoesNotRun) {
  workload.on_change = [this] { changes += 1; };
  workload.add({0, 1}, 1);
  workload.abandon(*workload.try_take());
  EXPECT_TRUE(workload.idle());
  EXPECT_EQ(changes, 1);
  EXPECT_THAT(workload.held(), ElementsAre(Range{0, 1}));
}

TEST_F(WorkloadTest, DropsWhatComesFromBeforeAReset) {
  workload.add({0, 4}, 1);
  compute(*workload.try_take());
  const auto late = *workload.try_take();
  const auto failing = *workload.try_take();
  workload.put(failing, {}, {{2, 1, "bad"}});
  const auto failing_late = *workload.try_take();
  workload.reset();
  EXPECT_TRUE(workload.idle());
  EXPECT_THAT(workload.held(), IsEmpty());
  EXPECT_FALSE(workload.next_failure());
  EXPECT_FALSE(workload.try_take());

  // The same chunks come again, and the old block ends while the new one of the same name runs.
  workload.add({1, 2}, 1);
  const auto again = *workload.try_take();
  compute(late);
  workload.put(failing_late, {}, {{3, 1, "bad"}});
  EXPECT_EQ(workload.demand().running, 1);
  EXPECT_FALSE(workload.waiting_since());
  EXPECT_FALSE(workload.next_failure());
  compute(again);
  EXPECT_THAT(collected(), ElementsAre("0:1=1"));
}

TEST_F(WorkloadTest, WakesTheCourierWhenWorkRunsLowAndWhenAllIsDone) {
  workload.on_change = [this] { changes += 1; };
  workload.add({0, 2}, 1);
  const auto first = *workload.take();
  EXPECT_EQ(changes, 1) << "while nothing is known about the length of chunks, the courier looks at each";
  const auto second = *workload.take();
  const int before = changes;
  compute(first);
  EXPECT_EQ(changes, before) << "the other block runs on";
  compute(second);
  EXPECT_EQ(changes, before + 1);
}

TEST_F(WorkloadTest, ClosingWakesThreadsThatWait) {
  std::vector<std::thread> threads;
  std::atomic<int> ended{0};
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (workload.take()) {}
      ended += 1;
    });
  }
  workload.close();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ended, 3);
  workload.add({0, 1}, 1);
  EXPECT_FALSE(workload.take()) << "closed is closed";
  EXPECT_FALSE(workload.try_take());
}

TEST_F(WorkloadTest, NewWorkWakesAThreadThatWaits) {
  std::optional<Block> got;
  std::thread thread([&] { got = workload.take(); });
  workload.add({5, 6}, 1);
  thread.join();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->chunks, (Range{5, 6}));
}

}  // namespace
}  // namespace stint
