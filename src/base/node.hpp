// SPDX-License-Identifier: Apache-2.0
// The fixed binary tree over chunk numbers. Node (level l, index i) covers exactly the chunks [i·2^l, (i+1)·2^l);
// its partial is reduce(left child, right child). The tree depends on chunk numbers alone, so a node's bytes are the
// same on any rank. Pure functions of plain values.
#pragma once

#include <stint/range.hpp>

#include <bit>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace stint {

struct Node {
  unsigned level = 0;
  std::uint64_t index = 0;

  [[nodiscard]] constexpr std::uint64_t first() const { return index << level; }
  [[nodiscard]] constexpr std::uint64_t last() const { return (index + 1) << level; }
  [[nodiscard]] constexpr std::uint64_t size() const { return std::uint64_t{1} << level; }
  [[nodiscard]] constexpr Range range() const { return {first(), last()}; }
  [[nodiscard]] constexpr Node parent() const { return {level + 1, index / 2}; }
  [[nodiscard]] constexpr Node sibling() const { return {level, index ^ 1}; }
  [[nodiscard]] constexpr bool is_left() const { return index % 2 == 0; }
  [[nodiscard]] std::string name() const { return std::to_string(level) + ':' + std::to_string(index); }
  friend constexpr auto operator<=>(const Node&, const Node&) = default;
};

/// The largest node that begins at `first` and ends at or before `last`; `first` < `last`.
constexpr Node largest_node(std::uint64_t first, std::uint64_t last) {
  const unsigned fits = static_cast<unsigned>(std::bit_width(last - first)) - 1;
  const unsigned aligned = first == 0 ? 63U : static_cast<unsigned>(std::countr_zero(first));
  const unsigned level = fits < aligned ? fits : aligned;
  return {level, first >> level};
}

/// The maximal nodes of a range, from left to right: at most two a level.
inline std::vector<Node> cover(Range range) {
  std::vector<Node> nodes;
  while (range.first < range.last) {
    nodes.push_back(largest_node(range.first, range.last));
    range.first = nodes.back().last();
  }
  return nodes;
}

}  // namespace stint
