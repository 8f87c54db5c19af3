// SPDX-License-Identifier: Apache-2.0
#include "contract/board_test.hpp"

#include <cstring>

namespace stint::test_support {

RunSpec spec_of(std::uint64_t chunks, std::uint64_t slots) {
  RunSpec spec;
  spec.run = "run";
  spec.job = "job";
  spec.program = "v1";
  spec.identity = "{\"n\":1}";
  spec.options = "{}";
  spec.plan = "the plan";
  spec.chunks = chunks;
  spec.slots = slots;
  return spec;
}

std::vector<Node> nodes_of(const Ranges& ranges) {
  std::vector<Node> nodes;
  for (const auto range : ranges) {
    const auto more = cover(range);
    nodes.insert(nodes.end(), more.begin(), more.end());
  }
  return nodes;
}

std::string frame_of(Node node) { return "<" + node.name() + ">"; }

Joined Hand::join(std::int64_t slot, const std::string& program) {
  auto answer = board_->join(caller, "{\"host\":\"here\"}", slot, program);
  caller.generation = answer.state.generation;
  return answer;
}

Claimed Hand::claim(const ClaimWish& wish) {
  ++caller.number;
  auto answer = board_->claim(caller, wish);
  if (answer.range) caller.held.push_back(*answer.range);
  return answer;
}

void Hand::drop(Range range) {
  Ranges rest;
  for (const auto held : caller.held) {
    if (const Range left{held.first, std::min(held.last, range.first)}; !left.empty()) rest.push_back(left);
    if (const Range right{std::max(held.first, range.last), held.last}; !right.empty()) rest.push_back(right);
  }
  caller.held = rest;
}

Committed Hand::commit(const std::vector<Node>& nodes) {
  std::vector<Entry> entries;
  Work work;
  for (const auto& node : nodes) {
    entries.push_back({node, frame_of(node)});
    drop(node.range());
    work.computed += node.size();
  }
  work.busy_seconds = 0.25 * static_cast<double>(work.computed);
  ++caller.number;
  return board_->commit(caller, work, entries);
}

Failed Hand::fail(std::uint64_t chunk, double delay, const std::string& error, bool crash) {
  drop({chunk, chunk + 1});
  ++caller.number;
  return board_->fail(caller, {chunk, error, crash}, delay);
}

Refusal Hand::leave() {
  ++caller.number;
  return board_->leave(caller);
}

std::vector<std::string> Hand::work_off(const ClaimWish& wish) {
  std::vector<std::string> sources;
  for (auto claimed = claim(wish); claimed.range; claimed = claim(wish)) {
    sources.push_back(claimed.source);
    commit({*claimed.range});
  }
  return sources;
}

BoardTest::BoardTest() : boards(std::strcmp(GetParam(), "Fake") == 0 ? fake_boards() : redis_boards()) {
  board = boards->open("run");
  spec = spec_of(64, 4);
}

Hand BoardTest::start(std::uint64_t chunks, std::uint64_t slots, std::int64_t slot) {
  spec.chunks = chunks;
  spec.slots = slots;
  EXPECT_EQ(board->create(spec, true, false).refusal, Refusal::none);
  return joined("a", slot);
}

Hand BoardTest::joined(const std::string& name, std::int64_t slot) {
  Hand hand(*board, name);
  EXPECT_EQ(hand.join(slot).refusal, Refusal::none);
  return hand;
}

Refusal BoardTest::finish(const Hand& leader) {
  const auto state = board->state();
  if (!state) return Refusal::gone;
  return board->finish({.generation = leader.caller.generation,
                        .worker = leader.caller.worker,
                        .done = state->done,
                        .failed = state->failed,
                        .used = board->nodes(),
                        .result = "the result",
                        .fields = {{"threads", "2"}}});
}

INSTANTIATE_TEST_SUITE_P(Boards, BoardTest, ::testing::Values("Fake", "Redis"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace stint::test_support
