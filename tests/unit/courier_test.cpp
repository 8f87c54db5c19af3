// SPDX-License-Identifier: Apache-2.0
#include "support/simulated_worker.hpp"

#include "engine/courier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace stint {
namespace {

using support::SimulatedRun;
using support::SimulatedWorker;
using testing::FakeRun;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CourierTest : public ::testing::Test {
 protected:
  // A run of so many chunks with one worker, which has joined.
  SimulatedWorker& start(std::uint64_t chunks, int threads = 1, const support::Arguments& arguments = {},
                         const std::function<void(RunSpec&)>& change = [](RunSpec&) {}) {
    run = std::make_unique<SimulatedRun>(chunks, 1, arguments, change);
    worker = std::make_unique<SimulatedWorker>(*run, "host", threads, options);
    worker->join(0);
    return *worker;
  }
  double step() { return worker->courier.step(); }
  void lost_step() { EXPECT_THROW(step(), BoardLost); }
  // A thread takes a block, works on it for so long, and ends it.
  void compute(double seconds) {
    ASSERT_TRUE(worker->take());
    run->advance(seconds);
    worker->end_block();
  }
  // Steps until there is something to take.
  void claim() {
    for (int tries = 0; worker->workload.demand().ready_chunks == 0; ++tries) {
      ASSERT_LT(tries, 100);
      if (step() > 0) run->advance(0.02);
    }
  }
  // The rank goes on until its session is over, with chunks of so many seconds.
  void play(double seconds) {
    for (int tries = 0; !worker->session.over(); ++tries) {
      ASSERT_LT(tries, 10'000);
      if (step() > 0) run->advance(0.02);
      if (worker->take()) {
        run->advance(seconds);
        worker->end_block();
      }
      if (state().done + state().failed == state().chunks) return;
    }
  }
  // What the board believes is what the worker holds: nothing leaked, nothing forgotten.
  void expect_claims_are_held() { EXPECT_EQ(worker->claims(), worker->workload.held()); }
  std::uint64_t calls(const std::string& name) { return run->server->calls(name); }
  RunState state() { return *run->board().state(); }

  CourierOptions options;
  std::unique_ptr<SimulatedRun> run;
  std::unique_ptr<SimulatedWorker> worker;
};

TEST_F(CourierTest, ClaimsWhenThereIsNothingToDoAndNotBefore) {
  start(64);
  EXPECT_EQ(step(), 0);
  EXPECT_THAT(worker->claims(), ElementsAre(Range{0, 1}));
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

TEST_F(CourierTest, WakesInTimeForTheNextCommit) {
  start(64);
  claim();
  compute(0.1);
  claim();
  ASSERT_TRUE(worker->take());
  run->advance(0.95);
  EXPECT_NEAR(step(), 0.05, 1e-6);
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

TEST_F(CourierTest, SendsACommitAgainWhoseReplyWasLost) {
  start(8);
  claim();
  compute(1);
  run->advance(1);
  run->server->lose_next_reply("commit");
  lost_step();
  EXPECT_EQ(state().done, 1U);
  EXPECT_THAT(worker->workload.held(), ElementsAre(Range{0, 1})) << "it cannot know";
  EXPECT_EQ(step(), 0);
  EXPECT_EQ(calls("commit"), 2U);
  EXPECT_EQ(state().done, 1U);
  EXPECT_THAT(run->board().nodes(), SizeIs(1));
  EXPECT_THAT(worker->workload.held(), IsEmpty());
  expect_claims_are_held();
  EXPECT_EQ(run->with([](FakeRun& r) { return r.pool.size(); }), 0U);
}

TEST_F(CourierTest, SendsACommitAgainThatWasLostItself) {
  start(8);
  claim();
  compute(1);
  run->advance(1);
  run->server->lose_next_request("commit");
  lost_step();
  EXPECT_EQ(state().done, 0U);
  run->server->down();
  lost_step();
  lost_step();
  run->server->down(false);
  EXPECT_EQ(step(), 0);
  EXPECT_EQ(state().done, 1U);
  EXPECT_EQ(state().computed, 1U);
  expect_claims_are_held();
}

TEST_F(CourierTest, SendsACommitAgainThatWasStale) {
  start(8);
  claim();
  compute(1);
  run->advance(1);
  run->server->refuse_next(Refusal::stale, "commit");
  step();
  EXPECT_EQ(state().done, 0U);
  step();
  EXPECT_EQ(state().done, 1U);
}

TEST_F(CourierTest, ForgetsNoChunkWhenTheReplyToAClaimIsLost) {
  start(4);
  run->server->lose_next_reply("claim");
  lost_step();
  EXPECT_THAT(worker->claims(), ElementsAre(Range{0, 1}));
  EXPECT_THAT(worker->workload.held(), IsEmpty());
  step();
  EXPECT_THAT(worker->workload.held(), ElementsAre(Range{0, 1})) << "the board gave it back, and out again";
  expect_claims_are_held();
  run->server->lose_next_request("claim");
  compute(1);
  lost_step();
  expect_claims_are_held();
  play(0.1);
  EXPECT_EQ(state().done, 4U);
  EXPECT_EQ(state().again, 0U);
}

TEST_F(CourierTest, JoinsAnewWhenItWasGivenUpAndDropsWhatItHad) {
  start(8);
  claim();
  compute(0.1);  // not committed
  claim();
  ASSERT_TRUE(worker->take());
  const auto old = worker->session.identity().worker;
  ASSERT_EQ(run->board().reap(1, old, std::nullopt), Refusal::none);
  ASSERT_EQ(worker->heartbeat.step(), 0.05);
  ASSERT_TRUE(worker->session.fenced);
  step();
  EXPECT_FALSE(worker->session.fenced);
  EXPECT_NE(worker->session.identity().worker, old);
  EXPECT_THAT(run->board().workers(), SizeIs(1));
  worker->end_block();  // late
  expect_claims_are_held();
  play(0.1);
  EXPECT_EQ(state().done, 8U);
}

TEST_F(CourierTest, WhatAGivenUpWorkerCommitsStillCounts) {
  start(8);
  claim();
  compute(1);
  run->advance(1);
  ASSERT_EQ(run->board().reap(1, worker->session.identity().worker, std::nullopt), Refusal::none);
  step();
  EXPECT_EQ(state().done, 1U);
  EXPECT_TRUE(worker->session.fenced);
  run->server->lose_next_reply("join");
  lost_step();
  EXPECT_TRUE(worker->session.fenced) << "it has no new name yet";
  step();
  EXPECT_FALSE(worker->session.fenced);
  EXPECT_THAT(run->board().workers(), SizeIs(1)) << "no second name is left behind";
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

TEST_F(CourierTest, AFailureIsCountedOnceWhateverIsLost) {
  start(4, 1, {{"every", {"4"}}, {"failing", {"0"}}, {"until", {"1"}}});
  claim();
  compute(0.1);
  run->server->lose_next_request("fail");
  run->server->lose_next_reply("fail");
  lost_step();
  EXPECT_THAT(worker->claims(), ElementsAre(Range{0, 1}));
  lost_step();
  EXPECT_EQ(step(), 0);
  EXPECT_EQ(calls("fail"), 3U);
  EXPECT_EQ(run->with([](FakeRun& r) { return r.attempts.at(0).count; }), 1);
  expect_claims_are_held();
  play(0.1);
  EXPECT_EQ(state().done, 4U);
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
  EXPECT_EQ(run->with([](FakeRun& r) { return r.pool; }), testing::Ranges({{2, 1000}}));
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
    EXPECT_THAT(error.what(), HasSubstr("--partial-limit"));
  }
  EXPECT_EQ(calls("commit"), 0U);
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

TEST_F(CourierTest, EndsWithTheRun) {
  start(4);
  ASSERT_EQ(run->board().end(1, 2, "bad"), Refusal::none);
  step();
  ASSERT_TRUE(worker->session.over());
  EXPECT_EQ(worker->session.outcome()->kind, Outcome::Kind::ended);
  EXPECT_FALSE(worker->workload.take());
}

TEST_F(CourierTest, ARunThatIsNoLongerThereIsAnErrorAndNotTheEnd) {
  start(4);
  run->server->lose_all();
  step();
  ASSERT_TRUE(worker->session.over());
  EXPECT_EQ(worker->session.outcome()->kind, Outcome::Kind::failed);
  EXPECT_EQ(worker->session.outcome()->exit, Exit::board);
}

}  // namespace
}  // namespace stint
