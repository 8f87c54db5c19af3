// SPDX-License-Identifier: Apache-2.0
// Who goes and who leads: heartbeats, reaping, leaving; and what the leader does: fold, reject, finish, end.
#include "contract/board_test.hpp"

namespace stint::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST_P(BoardTest, AHeartbeatGrows) {
  auto a = start(64);
  auto b = joined("b");
  EXPECT_EQ(a.renew().beats.at("b"), 1U);
  b.renew();
  b.renew();
  const auto leader = a.renew();
  EXPECT_EQ(leader.refusal, Refusal::none);
  EXPECT_EQ(leader.beats.at("b"), 3U);
  EXPECT_EQ(leader.beats.at("a"), 3U);
  EXPECT_EQ(leader.leader_beat, 3U);
}

TEST_P(BoardTest, OnlyTheLeaderIsToldOfAll) {
  auto a = start(64);
  auto b = joined("b");
  a.renew();
  const auto renewed = b.renew();
  EXPECT_EQ(renewed.leader, "a");
  EXPECT_EQ(renewed.leader_beat, 2U);
  EXPECT_THAT(renewed.beats, IsEmpty());
}

TEST_P(BoardTest, AHeartbeatTellsTheCounters) {
  auto a = start(64, 1, 0);
  const auto range = *a.claim().range;
  a.commit({range});
  const auto renewed = a.renew();
  EXPECT_EQ(renewed.state.generation, a.caller.generation);
  EXPECT_EQ(renewed.state.state, "running");
  EXPECT_EQ(renewed.state.chunks, 64U);
  EXPECT_EQ(renewed.state.done, 4U);
  EXPECT_EQ(renewed.state.computed, 4U);
  EXPECT_DOUBLE_EQ(renewed.state.busy_seconds, 1);
  EXPECT_EQ(renewed.state.workers, 1U);
}

TEST_P(BoardTest, TheNextThatCallsTakesTheLeadOfOneThatIsGone) {
  auto a = start(64);
  auto b = joined("b"), c = joined("c");
  EXPECT_EQ(board->reap(a.caller.generation, "a", std::nullopt, Blame::none), Refusal::none);
  EXPECT_EQ(look().leader, "");
  EXPECT_EQ(c.renew().leader, "c");
  EXPECT_EQ(b.renew().leader, "c");
  EXPECT_EQ(c.leave(), Refusal::none);
  EXPECT_EQ(Hand(*board, "d").join().leader, "d");
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, ReapsOnlyIfTheHeartStandsStill) {
  auto a = start(64, 2, 0);
  auto b = joined("b", 1);
  b.claim();
  EXPECT_EQ(board->reap(a.caller.generation, "b", 2, Blame::none), Refusal::stale);
  b.renew();
  EXPECT_EQ(board->reap(a.caller.generation, "b", 1, Blame::none), Refusal::stale);
  EXPECT_EQ(b.renew().refusal, Refusal::none);
  EXPECT_EQ(board->reap(a.caller.generation, "b", 3, Blame::none), Refusal::none);
  EXPECT_EQ(board->reap(a.caller.generation, "b", 3, Blame::none), Refusal::stale) << "it is gone";
  EXPECT_EQ(b.renew().refusal, Refusal::fenced);
  EXPECT_THAT(board->workers(), ::testing::SizeIs(1));
}

TEST_P(BoardTest, WhatAReapedWorkerHeldGoesToThePool) {
  auto a = start(64, 2, 0);
  auto b = joined("b", 1);
  const auto range = *b.claim().range;
  b.commit({Range{range.first, range.first + 1}});
  b.claim();
  ASSERT_EQ(board->reap(a.caller.generation, "b", std::nullopt, Blame::none), Refusal::none);
  const auto picture = look();
  EXPECT_EQ(picture.run.reaped, 1U);
  EXPECT_EQ(picture.run.workers, 1U);
  EXPECT_GT(picture.run.again, 0U) << "what it had in hand is computed again";
  EXPECT_EQ(count(picture.pool()), 31U);
  EXPECT_EQ(picture.pool().front().first, range.first + 1) << "first what it held";
  EXPECT_EQ(broken_rule(picture, spec), "");
  EXPECT_EQ(a.claim().source, "pool");
}

TEST_P(BoardTest, AWorkerThatLeavesIsChargedNothing) {
  auto a = start(64, 2, 0);
  auto b = joined("b", 1);
  b.claim();
  EXPECT_EQ(b.leave(), Refusal::none);
  EXPECT_EQ(b.leave(), Refusal::fenced) << "sent twice";
  EXPECT_EQ(board->state()->again, 0U);
  EXPECT_EQ(board->state()->reaped, 0U);
  EXPECT_EQ(count(look().pool()), 32U);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, ARunGoesOnAfterAllWorkersAreGone) {
  auto a = start(64, 2, 0);
  a.claim();
  const auto range = *a.claim().range;
  a.commit({range});
  board->reap(a.caller.generation, "a", std::nullopt, Blame::none);
  EXPECT_EQ(broken_rule(look(), spec), "");
  EXPECT_EQ(board->create(spec, false, false).state.done, range.size());
  auto b = joined("b");
  EXPECT_EQ(look().leader, "b");
  b.work_off();
  EXPECT_EQ(finish(b), Refusal::none);
}

// Chunks 0-8 as eight nodes, by the leader.
Hand with_eight_nodes(Hand leader) {
  std::vector<Node> nodes;
  for (std::uint64_t chunk = 0; chunk < 8; ++chunk) nodes.push_back({0, chunk});
  leader.commit(nodes);
  return leader;
}

TEST_P(BoardTest, AFoldPutsParentsInThePlaceOfTheirChildren) {
  auto a = with_eight_nodes(start(64));
  EXPECT_EQ(board->fold("a", a.caller.generation, {{0, 0}, {0, 1}, {0, 2}, {0, 3}, {0, 6}, {0, 7}},
                        {{{2, 0}, "four"}, {{1, 3}, "two"}}, false),
            Refusal::none);
  EXPECT_THAT(board->nodes(), UnorderedElementsAre(Node{0, 4}, Node{0, 5}, Node{1, 3}, Node{2, 0}));
  EXPECT_THAT(board->frames({{2, 0}, {1, 3}, {0, 0}}), ElementsAre("four", "two", ""));
  EXPECT_EQ(board->state()->done, 8U);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, AFoldSentTwiceIsStale) {
  auto a = with_eight_nodes(start(64));
  EXPECT_EQ(board->fold("a", a.caller.generation, {{0, 0}, {0, 1}}, {{{1, 0}, "two"}}, false), Refusal::none);
  EXPECT_EQ(board->fold("a", a.caller.generation, {{0, 0}, {0, 1}}, {{{1, 0}, "two"}}, false), Refusal::stale);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, RefusesAFoldThatDoesNotFitTheBoard) {
  auto a = with_eight_nodes(start(64));
  auto b = joined("b");
  const auto fold = [&](const std::string& worker, const std::vector<Node>& removed, std::vector<Node> put) {
    std::vector<Entry> entries;
    for (const auto& node : put) entries.push_back({node, "x"});
    return board->fold(worker, a.caller.generation, removed, entries, false);
  };
  EXPECT_EQ(fold("b", {{0, 0}, {0, 1}}, {{1, 0}}), Refusal::stale) << "not the leader";
  EXPECT_EQ(fold("a", {{0, 8}, {0, 9}}, {{1, 4}}), Refusal::stale) << "not there";
  EXPECT_EQ(fold("a", {{0, 0}}, {{1, 0}}), Refusal::stale) << "too few";
  EXPECT_EQ(fold("a", {{0, 0}, {0, 0}}, {{1, 0}}), Refusal::stale) << "one named twice";
  EXPECT_EQ(fold("a", {{0, 0}, {0, 1}, {0, 2}}, {{1, 0}}), Refusal::stale) << "too many";
  EXPECT_EQ(fold("a", {{0, 0}, {0, 2}}, {{1, 0}}), Refusal::stale) << "others";
  EXPECT_EQ(fold("a", {{0, 0}, {0, 1}}, {}), Refusal::stale) << "for nothing";
  EXPECT_EQ(fold("a", {}, {{1, 0}}), Refusal::stale) << "from nothing";
  EXPECT_EQ(fold("a", {{0, 0}, {0, 1}, {0, 2}, {0, 3}}, {{1, 0}, {1, 0}}), Refusal::stale);
  EXPECT_EQ(board->nodes().size(), 8U);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, ANodeThatCannotBeReadIsComputedAgain) {
  auto a = start(64, 1, 0);
  a.work_off();
  ASSERT_EQ(board->state()->done, 64U);
  const auto node = board->nodes().front();
  EXPECT_EQ(board->reject(a.caller.generation, node, frame_of(node)), Refusal::none);
  EXPECT_EQ(board->state()->done, 64 - node.size());
  EXPECT_EQ(board->state()->again, node.size());
  EXPECT_THAT(look().pool(), ElementsAre(node.range()));
  EXPECT_EQ(broken_rule(look(), spec), "");
  a.work_off();
  EXPECT_EQ(board->state()->done, 64U);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, ALateRejectCannotTakeAGoodNode) {
  auto a = start(64);
  ++a.caller.number;
  board->commit(a.caller, {}, {{{3, 0}, "damaged"}});
  EXPECT_EQ(board->reject(a.caller.generation, {3, 0}, "damaged"), Refusal::none);
  EXPECT_EQ(board->reject(a.caller.generation, {3, 0}, "damaged"), Refusal::stale) << "it is not there";
  ++a.caller.number;
  board->commit(a.caller, {}, {{{3, 0}, "good"}});
  EXPECT_EQ(board->reject(a.caller.generation, {3, 0}, "damaged"), Refusal::stale);
  EXPECT_EQ(board->state()->done, 8U);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, RejectsNodesOfAllSizes) {
  for (const Node node : {Node{0, 9}, Node{1, 3}, Node{2, 5}, Node{3, 2}, Node{6, 1}, Node{9, 0}}) {
    auto a = start(600);
    a.commit(Ranges{{0, 600}});
    const auto parts = look().nodes;
    if (!parts.contains(node)) {  // bring it about
      auto other = start(600);
      other.commit(Ranges{{0, node.first()}, node.range(), {node.last(), 600}});
    }
    ASSERT_EQ(board->reject(
                  a.caller.generation == board->state()->generation ? a.caller.generation : board->state()->generation,
                  node, frame_of(node)),
              Refusal::none);
    EXPECT_EQ(board->state()->done, 600 - node.size());
    EXPECT_EQ(broken_rule(look(), spec), "") << node.name();
  }
}

TEST_P(BoardTest, FinishesADoneRunAndDropsWhatIsNoLongerNeeded) {
  auto a = start(64, 1, 0);
  a.work_off();
  EXPECT_EQ(finish(a), Refusal::none);
  const auto state = *board->state();
  EXPECT_EQ(state.state, "done");
  EXPECT_EQ(state.done, 64U);
  EXPECT_EQ(state.chunks, 64U);
  EXPECT_EQ(state.workers, 0U);
  EXPECT_EQ(state.fields.at("threads"), "2");
  EXPECT_TRUE(state.fields.contains("finished"));
  EXPECT_EQ(board->result(), "the result");
  EXPECT_EQ(board->plan(), "");
  EXPECT_THAT(board->nodes(), IsEmpty());
  EXPECT_THAT(board->workers(), IsEmpty());
  EXPECT_EQ(finish(a), Refusal::ended) << "sent twice";
}

TEST_P(BoardTest, APartialRunKeepsItsNodes) {
  spec.retries = 0;
  auto a = start(64, 1, 0);
  a.claim();
  EXPECT_TRUE(a.fail(2).for_good);
  a.commit(a.caller.held);
  a.work_off();
  ASSERT_EQ(finish(a), Refusal::none);
  const auto state = *board->state();
  EXPECT_EQ(state.state, "partial");
  EXPECT_EQ(state.done, 63U);
  EXPECT_EQ(state.failed, 1U);
  EXPECT_EQ(board->result(), "the result");
  EXPECT_EQ(board->plan(), "the plan");
  EXPECT_THAT(board->nodes(), ::testing::Not(IsEmpty()));
  EXPECT_THAT(board->failures(), ::testing::SizeIs(1));
  EXPECT_EQ(board->create(spec, false, false).state.state, "partial");
}

TEST_P(BoardTest, RefusesAResultThatIsNotOfAllThatIsOnTheBoard) {
  auto a = start(64, 1, 0);
  auto b = joined("b");
  a.work_off();
  const auto nodes = board->nodes();
  const Finish good{.generation = a.caller.generation,
                    .worker = "a",
                    .done = 64,
                    .failed = 0,
                    .used = nodes,
                    .result = "r",
                    .fields = {}};
  const auto finish_with = [&](const std::function<void(Finish&)>& change) {
    auto bad = good;
    change(bad);
    return board->finish(bad);
  };
  EXPECT_EQ(finish_with([](Finish& f) { f.generation += 1; }), Refusal::gone);
  EXPECT_EQ(finish_with([](Finish& f) { f.worker = "b"; }), Refusal::stale) << "not the leader";
  EXPECT_EQ(finish_with([](Finish& f) { f.done = 63; }), Refusal::stale);
  EXPECT_EQ(finish_with([](Finish& f) { f.failed = 1; }), Refusal::stale);
  EXPECT_EQ(finish_with([](Finish& f) { f.used.pop_back(); }), Refusal::stale);
  EXPECT_EQ(finish_with([](Finish& f) { f.used.back() = {10, 3}; }), Refusal::stale);
  EXPECT_EQ(finish_with([](Finish& f) { f.used.back() = f.used.front(); }), Refusal::stale) << "one named twice";
  EXPECT_EQ(board->state()->state, "running");
  EXPECT_FALSE(board->result().has_value());
  EXPECT_EQ(board->finish(good), Refusal::none);
}

TEST_P(BoardTest, RefusesToFinishBeforeAllIsDone) {
  auto a = start(64, 1, 0);
  a.claim();
  a.commit(a.caller.held);
  EXPECT_EQ(finish(a), Refusal::stale);
  EXPECT_EQ(board->state()->state, "running");
}

TEST_P(BoardTest, FinishesFromFoldedNodesAsWell) {
  auto a = with_eight_nodes(start(8));
  std::vector<Node> leaves = board->nodes();
  EXPECT_EQ(board->fold("a", a.caller.generation, leaves, {{{3, 0}, "all"}}, false), Refusal::none);
  EXPECT_EQ(finish(a), Refusal::none);
}

TEST_P(BoardTest, TheFirstWordOnAnEndStays) {
  auto a = start(64);
  EXPECT_EQ(board->end(a.caller.generation, 2, "the first"), Refusal::none);
  EXPECT_EQ(board->end(a.caller.generation, 70, "the second"), Refusal::ended);
  EXPECT_EQ(board->state()->fields.at("error"), "the first");
}

}  // namespace
}  // namespace stint::test_support
