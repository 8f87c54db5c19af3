// SPDX-License-Identifier: Apache-2.0
// The switches of the fake: what is lost, when, and what has happened by then. And many threads at once, on both.
#include "contract/board_test.hpp"
#include "support/fake_blackboard.hpp"

#include <thread>

namespace stint::test_support {
namespace {

class FakeFaultsTest : public ::testing::Test {
 protected:
  FakeFaultsTest() {
    board.create(spec, false, false);
    hand.join(0);
  }
  std::shared_ptr<FakeServer> server = std::make_shared<FakeServer>();
  FakeBlackboard board{server, "run"};
  RunSpec spec = spec_of(64, 1);
  Hand hand{board, "a"};
};

TEST_F(FakeFaultsTest, AServerThatIsDownDoesNothing) {
  server->down();
  EXPECT_THROW(hand.claim(), BoardLost);
  EXPECT_THROW(board.state(), BoardLost);
  server->down(false);
  EXPECT_EQ(hand.claim().range->first, 0U);
}

TEST_F(FakeFaultsTest, AStepWhoseReplyIsLostHasHappened) {
  const auto range = *hand.claim().range;
  server->lose_next_reply("commit");
  EXPECT_NO_THROW(board.state()) << "another step";
  EXPECT_THROW(hand.commit({range}), BoardLost);
  EXPECT_EQ(board.state()->done, 4U);
  EXPECT_EQ(hand.commit({range}).done, 4U) << "once";
}

TEST_F(FakeFaultsTest, AStepWhoseRequestIsLostHasNotHappened) {
  const auto range = *hand.claim().range;
  server->lose_next_request("commit");
  EXPECT_THROW(hand.commit({range}), BoardLost);
  EXPECT_EQ(board.state()->done, 0U);
}

TEST_F(FakeFaultsTest, AFaultWithoutANameMeetsTheNextStep) {
  server->lose_next_reply();
  EXPECT_THROW(board.state(), BoardLost);
  EXPECT_NO_THROW(board.state());
}

TEST_F(FakeFaultsTest, AStepThatIsRefusedHasNotHappened) {
  server->refuse_next(Refusal::full, "claim");
  EXPECT_EQ(hand.claim().refusal, Refusal::full);
  EXPECT_EQ(hand.claim().range->first, 0U);
  server->refuse_next(Refusal::fenced, "leave");
  EXPECT_EQ(hand.leave(), Refusal::fenced);
  EXPECT_EQ(board.workers().size(), 1U);
}

TEST_F(FakeFaultsTest, CountsTheCallsOfEachStep) {
  const auto before = server->calls();
  hand.claim();
  server->lose_next_request("claim");
  EXPECT_THROW(hand.claim(), BoardLost);
  EXPECT_EQ(server->calls("claim"), 2U);
  EXPECT_EQ(server->calls(), before + 2);
}

TEST_F(FakeFaultsTest, AServerThatComesBackEmptyKnowsNoRun) {
  server->lose_all();
  EXPECT_EQ(hand.claim().refusal, Refusal::gone);
  EXPECT_FALSE(board.state().has_value());
}

TEST_P(BoardTest, ManyThreadsShareOneRun) {
  start(2000, 4).leave();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      const auto own = boards->open("run");
      Hand hand(*own, "t" + std::to_string(i));
      hand.join(i);
      for (int beat = 0; own->state()->done < 2000 && beat < 100000; ++beat) {
        hand.work_off({.cost = 8});
        hand.renew();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(board->state()->done, 2000U);
  EXPECT_EQ(board->state()->again, 0U);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

}  // namespace
}  // namespace stint::test_support
