// SPDX-License-Identifier: Apache-2.0
// A run that ends before all of it is computed, since its user said so: when it begins to halt, who is told, and when
// it is over.
#include "contract/board_test.hpp"

namespace stint::test_support {
namespace {

using ::testing::HasSubstr;

class HaltTest : public BoardTest {
 protected:
  Hand start_halting(HaltRule rule, std::uint64_t chunks = 8) {
    spec = spec_of(chunks, 1);
    spec.halt = rule;
    spec.retries = 0;
    board->create(spec, false, false);
    return joined("a");
  }
  Refusal halt(const Hand& leader) {
    const auto state = *board->state();
    return board->halt({.generation = leader.caller.generation,
                        .worker = leader.caller.worker,
                        .done = state.done,
                        .failed = state.failed,
                        .exit_code = 1,
                        .why = "enough",
                        .fields = {{"world", "w"}}});
  }
};

TEST_P(HaltTest, EnoughFailuresAreToldToWhoeverAsks) {
  auto a = start_halting({.how = Halt::soon, .of = HaltRule::Of::fail, .count = 2});
  auto b = joined("b");
  a.claim({.cost = 3, .least = 3});
  b.claim({.cost = 1});
  EXPECT_EQ(a.fail(a.caller.held[0].first).halt, Halt::none);
  EXPECT_EQ(a.fail(a.caller.held[0].first).halt, Halt::soon);
  const auto claimed = b.claim();
  EXPECT_EQ(claimed.refusal, Refusal::none);
  EXPECT_FALSE(claimed.range);
  EXPECT_EQ(claimed.halt, Halt::soon);
  EXPECT_EQ(b.renew().halt, Halt::soon);
  EXPECT_EQ(b.commit(b.caller.held).halt, Halt::soon) << "what was begun still counts";
  EXPECT_EQ(board->state()->done, 1U);
  EXPECT_EQ(board->state()->fields.at("halting"), "soon");
}

TEST_P(HaltTest, SuccessesAndBothTogetherAreCountedToo) {
  auto a = start_halting({.how = Halt::now, .of = HaltRule::Of::success, .count = 2});
  a.claim({.cost = 4, .least = 4});
  const auto first = a.caller.held[0].first;
  EXPECT_EQ(a.fail(first).halt, Halt::none);
  EXPECT_EQ(a.commit({Node{0, first + 1}}).halt, Halt::none);
  EXPECT_EQ(a.commit({Node{0, first + 2}}).halt, Halt::now);

  board->create(spec_of(8, 1), true, false);
  auto b = start_halting({.how = Halt::soon, .of = HaltRule::Of::done, .count = 2});
  b.claim({.cost = 4, .least = 4});
  EXPECT_EQ(b.fail(b.caller.held[0].first).halt, Halt::none);
  EXPECT_EQ(b.commit({Node{0, b.caller.held[0].first}}).halt, Halt::soon);
}

TEST_P(HaltTest, ItIsOverOnceNobodyHoldsAnything) {
  auto a = start_halting({.how = Halt::soon, .of = HaltRule::Of::fail, .count = 1});
  auto b = joined("b");
  EXPECT_EQ(halt(a), Refusal::stale) << "it is not halting";
  a.claim({.cost = 1});
  b.claim({.cost = 2, .least = 2});
  a.fail(a.caller.held[0].first);
  EXPECT_EQ(halt(a), Refusal::stale) << "b is still at work";
  b.caller.held.clear();
  b.commit(Ranges{});
  EXPECT_EQ(halt(b), Refusal::stale) << "b does not lead";
  EXPECT_EQ(halt(a), Refusal::none);
  const auto state = *board->state();
  EXPECT_EQ(state.state, "cancelled");
  EXPECT_EQ(state.fields.at("exit"), "1");
  EXPECT_EQ(state.fields.at("error"), "enough");
  EXPECT_EQ(state.fields.at("world"), "w");
  EXPECT_EQ(b.claim().refusal, Refusal::ended);
  EXPECT_EQ(halt(a), Refusal::ended);
}

TEST_P(HaltTest, TheSameCommandGoesOnAndCountsAnew) {
  auto a = start_halting({.how = Halt::soon, .of = HaltRule::Of::success, .count = 2});
  a.claim({.cost = 2, .least = 2});
  a.commit(Ranges(a.caller.held));
  ASSERT_EQ(halt(a), Refusal::none);
  const auto again = board->create(spec, false, false);
  EXPECT_EQ(again.state.state, "running");
  EXPECT_EQ(again.state.fields.count("halting"), 0U);
  EXPECT_EQ(again.state.fields.count("error"), 0U);
  auto b = joined("b");
  b.claim({.cost = 2, .least = 2});
  const auto held = b.caller.held;
  EXPECT_EQ(b.commit({Node{0, held[0].first}}).halt, Halt::none);
  b.claim({.cost = 1});
  board->create(spec, false, false);  // another world of the same call joins: the count goes on
  EXPECT_EQ(b.commit(Ranges{{held[0].first + 1, held[0].first + 2}}).halt, Halt::soon);
}

TEST_P(HaltTest, ARunThatIsCompleteIsFinishedAndNotHalted) {
  auto a = start_halting({.how = Halt::soon, .of = HaltRule::Of::done, .count = 4}, 4);
  while (a.claim({.cost = 4, .least = 4}).range) a.commit(Ranges(a.caller.held));
  EXPECT_EQ(board->state()->done, 4U);
  EXPECT_EQ(finish(a), Refusal::none);
  EXPECT_EQ(board->state()->state, "done");
}

INSTANTIATE_TEST_SUITE_P(Boards, HaltTest, ::testing::Values("Fake", "Redis"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace stint::test_support
