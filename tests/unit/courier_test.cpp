// SPDX-License-Identifier: Apache-2.0
#include "support/courier_fixture.hpp"

#include "engine/courier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace stint {
namespace {

class CourierTest : public support::CourierFixture {};
using test_support::FakeRun;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

TEST_F(CourierTest, ClaimsWhenThereIsNothingToDoAndNotBefore) {
  start(64);
  EXPECT_EQ(step(), 0);
  EXPECT_THAT(claims_of(*run, *worker), ElementsAre(Range{0, 1}));
  EXPECT_GT(step(), 0);
  EXPECT_EQ(calls("claim"), 1U) << "the chunk is not begun";
  ASSERT_TRUE(worker->take());
  EXPECT_GT(step(), 0);
  EXPECT_EQ(calls("claim"), 1U) << "nobody is idle, and the length of chunks is unknown";
  worker->end_block();
  EXPECT_EQ(step(), 0);
  EXPECT_EQ(calls("claim"), 2U);
  expect_claims_are_held();
}

TEST_F(CourierTest, FetchesShortChunksAheadAndMoreEachTime) {
  start(100'000);
  claim();
  compute(1e-5);
  std::uint64_t before = 1;
  for (int i = 0; i < 3; ++i) {
    step();
    const auto ready = worker->workload.demand().ready_chunks;
    EXPECT_GT(ready, before);
    EXPECT_LE(ready, 8 * before);
    before = ready;
    while (worker->take()) worker->end_block();
  }
}

TEST_F(CourierTest, CommitsWhenResultsWaitedForCommitSeconds) {
  start(64);
  for (int i = 0; i < 4; ++i) {
    claim();
    compute(0.3);
  }
  EXPECT_EQ(calls("commit"), 0U) << "the oldest result is 0.9 seconds old";
  run->advance(0.11);
  EXPECT_EQ(step(), 0);
  EXPECT_EQ(calls("commit"), 1U);
  EXPECT_EQ(state().done, 4U);
  EXPECT_EQ(state().computed, 4U);
  EXPECT_EQ(run->board().nodes(), std::vector<Node>({{2, 0}}));
  EXPECT_EQ(worker->session.progress.done, 4U);
  expect_claims_are_held();
}

TEST_F(CourierTest, WhatSucceededIsOnTheBoardBeforeAFailureThatCameLater) {
  start(64, 1, {{"every", {"2"}}, {"failing", {"1"}}, {"until", {"9"}}});
  for (int i = 0; i < 2; ++i) {
    claim();
    compute(0.01);
  }
  EXPECT_EQ(calls("fail"), 0U);
  EXPECT_EQ(step(), 0);
  EXPECT_EQ(state().done, 1U) << "although it has waited for less than commit_seconds";
  EXPECT_EQ(calls("fail"), 0U);
  EXPECT_EQ(step(), 0);
  EXPECT_EQ(calls("fail"), 1U);
  expect_claims_are_held();
}

TEST_F(CourierTest, WakesInTimeForTheNextCommit) {
  start(64);
  claim();
  compute(0.1);
  claim();
  ASSERT_TRUE(worker->take());
  run->advance(0.95);
  EXPECT_NEAR(step(), 0.05, 1e-6);
}

// With commits that take so long, how many there are in a minute of chunks of 0.1 s, and how many steps.
std::pair<std::uint64_t, std::uint64_t> commits_of_a_minute(support::SimulatedRun& run, support::SimulatedWorker& worker, double seconds) {
  run.server->on_call = [&run, seconds](const std::string& call) {
    if (call == "commit") run.clock.advance(seconds);
  };
  std::uint64_t steps = 0;
  const double end = run.clock.now() + 60;
  const auto before = run.server->calls("commit");
  while (run.clock.now() < end) {
    for (double wait = 0; wait <= 0; ++steps) wait = worker.courier.step();
    if (worker.take()) {
      run.advance(0.1);
      worker.end_block();
    } else {
      run.advance(0.01);
    }
  }
  return {run.server->calls("commit") - before, steps};
}

TEST_F(CourierTest, ATenthOfTheTimeAtMostGoesIntoCommitsAndNoneIntoWaitingForThem) {
  for (const auto& [seconds, least, most] : {std::tuple(0.001, 45, 60), std::tuple(0.5, 10, 13), std::tuple(2.0, 2, 4)}) {
    start(10'000);
    const auto [commits, steps] = commits_of_a_minute(*run, *worker, seconds);
    EXPECT_GE(commits, static_cast<std::uint64_t>(least)) << seconds;
    EXPECT_LE(commits, static_cast<std::uint64_t>(most)) << seconds;
    EXPECT_LT(steps, 3000U) << seconds << ": it asks again and again whether a commit is due";
  }
}

TEST_F(CourierTest, OneStallOfTheBoardDoesNotHoldResultsBack) {
  start(10'000);
  commits_of_a_minute(*run, *worker, 0.001);
  bool stalled = false;
  run->server->on_call = [&](const std::string& call) {
    if (call == "commit" && !std::exchange(stalled, true)) run->clock.advance(5);
  };
  while (!stalled) play_once(0.1);
  const auto before = calls("commit");
  for (const double end = run->clock.now() + 5; run->clock.now() < end;) play_once(0.1);
  EXPECT_GE(calls("commit"), before + 4);
}

TEST_F(CourierTest, WhatHasEffectsOutsideIsCommittedAsItEndsHoweverSlowTheBoardIs) {
  options.commit_seconds = 0.002;
  start(10'000);
  worker->workload.tell_first_node = true;
  EXPECT_GE(commits_of_a_minute(*run, *worker, 0.05).first, 200U) << "a tenth of the time would be 120";
}

TEST_F(CourierTest, CommitsAtOnceWhenThereIsNothingLeftToClaim) {
  start(1);
  claim();
  compute(0.1);
  EXPECT_EQ(step(), 0);
  EXPECT_EQ(calls("claim"), 2U);
  EXPECT_EQ(step(), 0);
  EXPECT_EQ(state().done, 1U) << "no time went by";
}

TEST_F(CourierTest, AtTheEndGathersForAMomentWhileOthersStillCompute) {
  start(2, 2);
  claim();
  ASSERT_TRUE(worker->take());
  claim();
  ASSERT_TRUE(worker->take());
  run->advance(0.1);
  worker->end_block();
  step();
  EXPECT_LE(step(), 0.01);
  EXPECT_EQ(calls("commit"), 0U);
  run->advance(0.011);
  step();
  EXPECT_EQ(state().done, 1U);
}

TEST_F(CourierTest, CommitsManyNodesInPortions) {
  start(2000);
  for (std::uint64_t chunk = 0; chunk < 1200; chunk += 2) worker->workload.add({chunk, chunk + 1}, 1);
  while (worker->take()) worker->end_block();
  run->advance(1);
  EXPECT_EQ(step(), 0);
  EXPECT_EQ(state().done, 512U);
  EXPECT_THAT(worker->workload.held(), SizeIs(88)) << "what was not sent is still held";
  expect_claims_are_held();
  run->server->lose_next_reply("commit");
  lost_step();
  step();
  EXPECT_EQ(state().done, 600U);
  EXPECT_THAT(run->board().nodes(), SizeIs(600));
  EXPECT_THAT(worker->workload.held(), IsEmpty());
}

TEST_F(CourierTest, ANodeOfMoreChunksThanACommitTakesGoesAlone) {
  constexpr std::uint64_t size = 2 * Workload::largest_node_chunks;
  start(size + 2);
  worker->workload.add({0, size + 1}, 1);
  ASSERT_TRUE(worker->take());
  std::vector<std::pair<Node, Partial>> nodes;
  for (const Node& node : {largest_node(0, size), Node{0, size}}) {
    nodes.emplace_back(node, worker->job->decode(archive::encode(std::string("made up"))));
  }
  worker->workload.put(worker->running.front(), std::move(nodes), {});
  run->advance(1);
  for (int i = 0; i < 4; ++i) step();
  EXPECT_EQ(state().done, size + 1);
}

TEST_F(CourierTest, ALeaderKeepsItsNodesForItsReducerAndNoOthers) {
  start(3);
  for (int i = 0; i < 3; ++i) {
    claim();
    compute(0.1);
  }
  Caller other;
  other.worker = "other";
  run->board().join(other, "{}", -1, "");
  other.generation = 1;
  run->board().commit(other, {}, {{Node{0, 2}, frame_of(*worker->job, Node{0, 2})}});
  run->server->lose_next_reply("commit");
  run->advance(1);
  lost_step();
  step();
  EXPECT_EQ(state().done, 3U);
  EXPECT_FALSE(worker->workload.take_kept({0, 2})) << "the board has another's";
  worker->reducer.step();
  EXPECT_EQ(text_of_result(*worker->job, run->board().result().value(), 3), "((0 1) 2)");
}

TEST_F(CourierTest, CommitsAllAndWaitsWhenTheBoardIsFull) {
  start(8);
  claim();
  compute(0.1);
  run->server->refuse_next(Refusal::full, "claim");
  step();
  EXPECT_EQ(calls("commit"), 0U);
  step();
  EXPECT_EQ(calls("commit"), 1U) << "at once, not after commit_seconds";
  const auto before = calls("claim");
  const double wait = step();
  EXPECT_GT(wait, 0);
  EXPECT_EQ(calls("claim"), before);
  run->advance(0.02);
  step();
  EXPECT_EQ(calls("claim"), before + 1);
  compute(0.1);
  step();
  EXPECT_EQ(calls("commit"), 1U) << "no longer full";
}

TEST_F(CourierTest, TellsFailuresUntilTheyAreForGood) {
  options.host = "here";
  start(4, 1, {{"every", {"4"}}, {"failing", {"1"}}, {"until", {"9"}}});
  play(0.1);
  EXPECT_EQ(state().done, 3U);
  EXPECT_EQ(state().failed, 1U);
  EXPECT_THAT(run->board().failures().at(1), HasSubstr("no luck"));
  EXPECT_EQ(worker->said.size(), 4U) << "the first to the user and the log, the others to the log";
  EXPECT_THAT(worker->said.front(), HasSubstr("chunk 1 failed on here (attempt 1): no luck"));
  EXPECT_THAT(worker->said.back(), HasSubstr("(attempt 3, the last)"));
  expect_claims_are_held();
}

TEST_F(CourierTest, OfARunThatHaltsNothingIsKeptInHand) {
  for (const auto how : {Halt::soon, Halt::now}) {
    start(1000, 1, {}, [&](RunSpec& spec) { spec.halt = {how, HaltRule::Of::success, 1}; });
    claim();
    compute(0.001);
    claim();
    ASSERT_TRUE(worker->take());
    ASSERT_GT(worker->workload.demand().ready_chunks, 0U);
    run->advance(1.1);
    while (worker->session.halt == Halt::none) step();
    EXPECT_TRUE(worker->session.stop);
    EXPECT_EQ(worker->session.abandon, how == Halt::now);
    for (int i = 0; i < 5; ++i) step();
    EXPECT_EQ(worker->workload.demand().ready_chunks, 0U) << "nothing new is begun";
    EXPECT_FALSE(support::claims_of(*run, *worker).empty()) << "the chunk at work may end";
    worker->end_block();
    run->server->lose_next_reply("commit");
    lost_step();
    for (int i = 0; i < 5; ++i) step();
    EXPECT_THAT(support::claims_of(*run, *worker), IsEmpty());
    EXPECT_EQ(state().done, 2U);
    EXPECT_FALSE(worker->session.over()) << "that is the leader's";
    EXPECT_GT(calls("claim"), 2U) << "it asks what became of the run";
  }
}

TEST_F(CourierTest, DrainHandsInWhatIsThereAndLeaves) {
  start(1000);
  claim();
  compute(0.001);
  claim();
  ASSERT_TRUE(worker->take());
  ASSERT_GT(worker->workload.demand().ready_chunks, 0U);
  worker->session.drain = true;
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(state().done, 1U);
  EXPECT_EQ(worker->workload.demand().ready_chunks, 0U) << "nothing new is begun";
  EXPECT_FALSE(worker->session.over()) << "the chunk at work may end";
  worker->end_block();
  run->server->lose_next_reply("leave");
  step();
  lost_step();
  step();
  EXPECT_EQ(state().done, 2U);
  ASSERT_TRUE(worker->session.over());
  EXPECT_EQ(worker->session.outcome()->kind, Outcome::Kind::interrupted);
  EXPECT_EQ(worker->session.outcome()->exit, Exit::interrupted);
  EXPECT_THAT(run->board().workers(), IsEmpty());
  EXPECT_EQ(run->with([](FakeRun& r) { return r.pool; }), test_support::Ranges({{2, 1000}}));
}

TEST_F(CourierTest, APartialOverTheLimitEndsTheRank) {
  options.partial_limit = 20;
  start(4);
  claim();
  compute(2);
  run->advance(1);
  try {
    step();
    FAIL() << "it was sent";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    EXPECT_THAT(error.what(), MatchesRegex("the partial of chunk 0 has [0-9]+ bytes, --partial-limit allows 20; "
                                           "make chunks smaller, or raise --partial-limit"));
  }
  EXPECT_EQ(calls("commit"), 0U);
}

TEST_F(CourierTest, WhatGrowsWhileItIsMergedIsNotBlamedOnTheSizeOfChunks) {
  options.partial_limit = frame_of(*support::trace_job({{"chunks", {"4"}}}), Node{0, 0}).size() + 2;
  start(4);
  for (int i = 0; i < 2; ++i) {
    claim();
    compute(0.1);
  }
  run->advance(1);
  try {
    step();
    FAIL() << "it was sent";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the partial of chunks 0 to 1 has "));
    EXPECT_THAT(error.what(), HasSubstr("raise --partial-limit"));
    EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("chunks smaller")));
  }
}

TEST_F(CourierTest, GivesBackWhatTurnsOutToTakeLong) {
  start(10'000);
  for (int i = 0; i < 4; ++i) {
    claim();
    while (worker->workload.demand().ready_chunks > 0) compute(0.001);
  }
  claim();
  ASSERT_GT(worker->workload.demand().ready_chunks, 100U);
  ASSERT_TRUE(worker->take());
  run->advance(30);
  while (step() == 0) {}
  EXPECT_LT(worker->workload.demand().ready_seconds, 0.8);
  expect_claims_are_held();
  const auto queue = run->with([&](FakeRun& r) { return r.workers.begin()->second.queue; });
  ASSERT_THAT(queue, SizeIs(1)) << "in front of what waits there";
  EXPECT_EQ(queue.front(), (Range{worker->workload.held().back().last, 10'000}));
}

TEST_F(CourierTest, OneLongChunkDoesNotKeepTheOtherThreadsFromWork) {
  start(10'000, 2);
  for (int i = 0; i < 4; ++i) {
    claim();
    while (worker->workload.demand().ready_chunks > 0) compute(0.001);
  }
  claim();
  ASSERT_TRUE(worker->take());
  run->advance(30);
  const auto before = calls("claim");
  for (int i = 0; i < 50; ++i) step();
  EXPECT_LE(calls("claim"), before + 1) << "it does not claim and give back in turns";
  EXPECT_TRUE(worker->take());
}

}  // namespace
}  // namespace stint
