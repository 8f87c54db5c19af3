// SPDX-License-Identifier: Apache-2.0
#include "support/courier_fixture.hpp"

#include "engine/courier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stint {
namespace {

class CourierFaultsTest : public support::CourierFixture {};
using test_support::FakeRun;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(CourierFaultsTest, SendsACommitAgainWhoseReplyWasLost) {
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

TEST_F(CourierFaultsTest, SendsACommitAgainThatWasLostItself) {
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

TEST_F(CourierFaultsTest, SendsACommitAgainThatWasStale) {
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

TEST_F(CourierFaultsTest, ForgetsNoChunkWhenTheReplyToAClaimIsLost) {
  start(4);
  run->server->lose_next_reply("claim");
  lost_step();
  EXPECT_THAT(claims_of(*run, *worker), ElementsAre(Range{0, 1}));
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

TEST_F(CourierFaultsTest, JoinsAnewWhenItWasGivenUpAndDropsWhatItHad) {
  start(8);
  claim();
  compute(0.1);  // not committed
  claim();
  ASSERT_TRUE(worker->take());
  const auto old = worker->session.identity().worker;
  ASSERT_EQ(run->board().reap(1, old, std::nullopt, Blame::none), Refusal::none);
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

TEST_F(CourierFaultsTest, WhatAGivenUpWorkerCommitsStillCounts) {
  start(8);
  claim();
  compute(1);
  run->advance(1);
  ASSERT_EQ(run->board().reap(1, worker->session.identity().worker, std::nullopt, Blame::none), Refusal::none);
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

TEST_F(CourierFaultsTest, AFailureIsCountedOnceWhateverIsLost) {
  start(4, 1, {{"every", {"4"}}, {"failing", {"0"}}, {"until", {"1"}}});
  claim();
  compute(0.1);
  run->server->lose_next_request("fail");
  run->server->lose_next_reply("fail");
  lost_step();
  EXPECT_THAT(claims_of(*run, *worker), ElementsAre(Range{0, 1}));
  lost_step();
  EXPECT_EQ(step(), 0);
  EXPECT_EQ(calls("fail"), 3U);
  EXPECT_EQ(run->with([](FakeRun& r) { return r.attempts.at(0).count; }), 1);
  expect_claims_are_held();
  play(0.1);
  EXPECT_EQ(state().done, 4U);
}

TEST_F(CourierFaultsTest, EndsWithTheRun) {
  start(4);
  ASSERT_EQ(run->board().end(1, 2, "bad"), Refusal::none);
  step();
  ASSERT_TRUE(worker->session.over());
  EXPECT_EQ(worker->session.outcome()->kind, Outcome::Kind::ended);
  EXPECT_FALSE(worker->workload.take());
}

TEST_F(CourierFaultsTest, ARunThatIsNoLongerThereIsAnErrorAndNotTheEnd) {
  start(4);
  run->server->lose_all();
  step();
  ASSERT_TRUE(worker->session.over());
  EXPECT_EQ(worker->session.outcome()->kind, Outcome::Kind::failed);
  EXPECT_EQ(worker->session.outcome()->exit, Exit::board);
}

}  // namespace
}  // namespace stint
