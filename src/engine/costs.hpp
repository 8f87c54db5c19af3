// SPDX-License-Identifier: Apache-2.0
// The cost of chunks, in the unit of the plan's weights; 1 each if the plan has none. Constant after construction; copies share it.
#pragma once

#include <stint/range.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace stint {

class Costs {
 public:
  Costs() = default;
  explicit Costs(const std::vector<double>& weights) {
    if (weights.empty()) return;
    double total = 0;
    for (double weight : weights) total += std::max(weight, 0.0);
    // A chunk of cost 0 would make a steal endless.
    const double least = total > 0 ? 1e-6 * total / static_cast<double>(weights.size()) : 1;
    std::vector<double> before{0};
    before.reserve(weights.size() + 1);
    for (double weight : weights) before.push_back(before.back() + std::max(weight, least));
    before_ = std::make_shared<const std::vector<double>>(std::move(before));
  }

  [[nodiscard]] double of(Range range) const {
    if (!before_) return static_cast<double>(range.size());
    return (*before_)[range.last] - (*before_)[range.first];
  }

  /// The costs in the form that the scripts read (lua/common.lua): at most 4096 steps; empty if each chunk costs 1.
  [[nodiscard]] std::vector<double> profile() const {
    std::vector<double> steps;
    if (!before_) return steps;
    const std::uint64_t chunks = before_->size() - 1;
    const std::uint64_t count = std::min<std::uint64_t>(chunks, 4096);
    for (std::uint64_t step = 0; step <= count; ++step) steps.push_back((*before_)[step * chunks / count]);
    return steps;
  }

 private:
  std::shared_ptr<const std::vector<double>> before_;  // cost of the chunks before each; null: 1 each
};

}  // namespace stint
