// SPDX-License-Identifier: Apache-2.0
// Plans: lists of chunks. A plan is anything with `size()` and `operator[](chunk)` that can be serialised;
// `operator[]` returns the item that `compute` gets. A std::vector of a serialisable type is a plan. With `weights()`
// (one number a chunk, in any one unit) the load of a worker is known instead of estimated. `sound()`, if there is one,
// is called on a plan that was read from the blackboard, before any chunk of it is used; false: the plan is damaged.
#pragma once

#include <stint/range.hpp>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

namespace stint {

/// `[0, total)` in pieces of `size` (the last may be shorter). Uses constant memory for any number of pieces.
struct Split {
  std::uint64_t total = 0;
  std::uint64_t piece = 1;

  [[nodiscard]] bool sound() const { return piece > 0; }
  [[nodiscard]] std::uint64_t size() const { return total / piece + (total % piece != 0 ? 1 : 0); }
  [[nodiscard]] Range operator[](std::uint64_t chunk) const {
    return {chunk * piece, total - chunk * piece < piece ? total : (chunk + 1) * piece};
  }
};

/// Cuts `[0, total)` into ranges of `piece` numbers; a `piece` of 0 counts as 1.
constexpr Split split(std::uint64_t total, std::uint64_t piece) { return {total, piece == 0 ? 1 : piece}; }

/// A plan with its chunks in another order: the heaviest first. Made by `longest_first`.
template <class P>
struct LongestFirst {
  P items;
  std::vector<std::uint64_t> order;  ///< chunk → index in `items`
  std::vector<double> cost;          ///< by chunk, descending

  [[nodiscard]] std::uint64_t size() const { return order.size(); }
  [[nodiscard]] decltype(auto) operator[](std::uint64_t chunk) const { return items[order[chunk]]; }
  [[nodiscard]] const std::vector<double>& weights() const { return cost; }
  [[nodiscard]] bool sound() const {
    if constexpr (requires { items.sound(); }) {
      if (!items.sound()) return false;
    }
    return cost.size() == order.size() && order.size() == items.size() &&
           std::all_of(order.begin(), order.end(), [&](std::uint64_t index) { return index < items.size(); });
  }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & items & order & cost;
  }
};

/// Puts the heaviest chunks first. `costs`: one number an item, in any one unit. Chunk numbers, and with them the
/// order of `reduce`, follow the new order; items of equal cost keep their order.
template <class P>
LongestFirst<P> longest_first(P items, const std::vector<double>& costs) {
  LongestFirst<P> plan{std::move(items), std::vector<std::uint64_t>(costs.size()), {}};
  std::iota(plan.order.begin(), plan.order.end(), std::uint64_t{0});
  std::stable_sort(plan.order.begin(), plan.order.end(), [&](auto a, auto b) { return costs[a] > costs[b]; });
  for (auto index : plan.order) plan.cost.push_back(costs[index]);
  return plan;
}

}  // namespace stint
