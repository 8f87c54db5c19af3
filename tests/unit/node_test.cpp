// SPDX-License-Identifier: Apache-2.0
// The tree: however the chunks are split into ranges, and in whatever order siblings are merged, the result has the
// bits of the plain recursion. The merge here is neither commutative nor associative, so any other grouping shows.
#include "base/node.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <random>

namespace stint {
namespace {

/// A partial whose bits tell how it was merged: a floating-point value that rounds, and a hash of the grouping.
struct Mark {
  double value = 0;
  std::uint64_t grouping = 0;
  friend bool operator==(const Mark& a, const Mark& b) {
    return std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value) && a.grouping == b.grouping;
  }
};

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  a = (a ^ (b + 0x9e3779b97f4a7c15U + (a << 6) + (a >> 2))) * 0xff51afd7ed558ccdU;
  return a ^ (a >> 29);
}

Mark of_chunk(std::uint64_t chunk) { return {std::sin(static_cast<double>(chunk)) * 1e3, mixed(chunk, 17)}; }

Mark merged(const Mark& left, const Mark& right) {
  return {left.value * 1.0000001 + right.value / 3, mixed(left.grouping, right.grouping)};
}

Mark recursive(Node node) {
  if (node.level == 0) return of_chunk(node.first());
  const Node left{node.level - 1, node.index * 2};
  return merged(recursive(left), recursive(left.sibling()));
}

/// From left to right, the largest nodes: what a result is.
Mark result_of(const std::map<Node, Mark>& marks, std::uint64_t chunks) {
  const auto nodes = cover({0, chunks});
  Mark result = marks.at(nodes.front());
  for (std::size_t i = 1; i < nodes.size(); ++i) result = merged(result, marks.at(nodes[i]));
  return result;
}

Mark plain(std::uint64_t chunks) {
  std::map<Node, Mark> marks;
  for (const auto& node : cover({0, chunks})) marks[node] = recursive(node);
  return result_of(marks, chunks);
}

std::vector<Range> random_split(std::uint64_t chunks, std::mt19937_64& random) {
  std::vector<Range> ranges;
  const auto longest = 1 + random() % chunks;
  for (std::uint64_t first = 0; first < chunks;) {
    const auto last = std::min(chunks, first + 1 + random() % longest);
    ranges.push_back({first, last});
    first = last;
  }
  std::ranges::shuffle(ranges, random);
  return ranges;
}

/// Workers merge inside their ranges; then siblings meet in random order.
Mark by_ranges(std::uint64_t chunks, std::mt19937_64& random) {
  std::map<Node, Mark> marks;
  for (const auto range : random_split(chunks, random)) {
    for (const auto& node : cover(range)) marks[node] = recursive(node);
  }
  std::vector<Node> left;
  do {
    left.clear();
    for (const auto& [node, mark] : marks) {
      if (node.is_left() && marks.contains(node.sibling())) left.push_back(node);
    }
    std::ranges::shuffle(left, random);
    left.resize(std::min<std::size_t>(left.size(), 1 + random() % 4));
    for (const auto& node : left) {
      marks[node.parent()] = merged(marks.at(node), marks.at(node.sibling()));
      marks.erase(node.sibling());
      marks.erase(node);
    }
  } while (!left.empty());
  EXPECT_EQ(marks.size(), static_cast<std::size_t>(std::popcount(chunks))) << "one node a binary digit";
  return result_of(marks, chunks);
}

TEST(NodeTest, AnySplitMergedInAnyOrderGivesTheBitsOfThePlainRecursion) {
  std::mt19937_64 random(1);
  for (std::uint64_t chunks = 1; chunks <= 300; ++chunks) {
    const auto expected = plain(chunks);
    for (int split = 0; split < 5; ++split) ASSERT_EQ(by_ranges(chunks, random), expected) << chunks << " chunks";
  }
  for (int large = 0; large < 10; ++large) {
    const auto chunks = 1000 + random() % 20000;
    ASSERT_EQ(by_ranges(chunks, random), plain(chunks)) << chunks << " chunks";
  }
}

TEST(NodeTest, TheMarksOfThisTestTellGroupingsApart) {
  const auto a = of_chunk(0), b = of_chunk(1), c = of_chunk(2);
  EXPECT_FALSE(merged(merged(a, b), c) == merged(a, merged(b, c)));
  EXPECT_FALSE(merged(a, b) == merged(b, a));
}

TEST(NodeTest, ACoverIsOfMaximalNodesFromLeftToRight) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 20000; ++round) {
    const auto span = std::uint64_t{1} << (random() % 33);
    const Range range{random() % span, 0};
    const Range whole{range.first, range.first + 1 + random() % span};
    const auto nodes = cover(whole);
    std::uint64_t at = whole.first;
    for (const auto& node : nodes) {
      ASSERT_EQ(node.first(), at) << "without a gap";
      at = node.last();
      const auto parent = node.parent();
      ASSERT_TRUE(parent.first() < whole.first || parent.last() > whole.last) << "no larger node lies within";
    }
    ASSERT_EQ(at, whole.last);
    ASSERT_LE(nodes.size(), 2 * static_cast<std::size_t>(std::bit_width(whole.size())));
  }
}

TEST(NodeTest, ACoverOfNothingIsEmpty) {
  EXPECT_THAT(cover({5, 5}), ::testing::IsEmpty());
  EXPECT_THAT(cover({0, 0}), ::testing::IsEmpty());
}

TEST(NodeTest, TheLargestNodeIsAlignedAndFits) {
  EXPECT_EQ(largest_node(0, 1736), (Node{10, 0}));
  EXPECT_EQ(largest_node(1024, 1736), (Node{9, 2}));
  EXPECT_EQ(largest_node(6, 100), (Node{1, 3}));
  EXPECT_EQ(largest_node(7, 8), (Node{0, 7}));
  EXPECT_EQ(largest_node(0, std::uint64_t{1} << 32), (Node{32, 0}));
}

TEST(NodeTest, ANodeKnowsItsPlace) {
  constexpr Node node{3, 5};
  EXPECT_EQ(node.range(), (Range{40, 48}));
  EXPECT_EQ(node.size(), 8U);
  EXPECT_EQ(node.parent(), (Node{4, 2}));
  EXPECT_EQ(node.sibling(), (Node{3, 4}));
  EXPECT_EQ(node.sibling().parent(), node.parent());
  EXPECT_FALSE(node.is_left());
  EXPECT_TRUE(node.sibling().is_left());
  EXPECT_EQ(node.name(), "3:5");
}

TEST(NodeTest, ARangeOf1736ChunksIsStoredAsFewNodes) { EXPECT_LE(cover({1000, 2736}).size(), 11U); }

}  // namespace
}  // namespace stint
