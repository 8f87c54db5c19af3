// SPDX-License-Identifier: Apache-2.0
// A set of chunk numbers kept as disjoint ranges, in ascending order, neighbours joined.
#pragma once

#include <stint/range.hpp>

#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace stint {

class RangeSet {
 public:
  void add(Range range) {
    if (range.empty()) return;
    auto next = ranges_.upper_bound(range.first);
    if (next != ranges_.begin()) {
      auto before = std::prev(next);
      if (before->second >= range.first) {
        range.first = before->first;
        if (before->second > range.last) range.last = before->second;
        next = ranges_.erase(before);
      }
    }
    while (next != ranges_.end() && next->first <= range.last) {
      if (next->second > range.last) range.last = next->second;
      next = ranges_.erase(next);
    }
    ranges_.emplace_hint(next, range.first, range.last);
  }

  void remove(Range range) {
    if (range.empty()) return;
    auto it = ranges_.upper_bound(range.first);
    if (it != ranges_.begin()) --it;
    while (it != ranges_.end() && it->first < range.last) {
      const Range old{it->first, it->second};
      if (old.last <= range.first) {
        ++it;
        continue;
      }
      it = ranges_.erase(it);
      if (old.first < range.first) ranges_.emplace(old.first, range.first);
      if (old.last > range.last) ranges_.emplace(range.last, old.last);
    }
  }

  [[nodiscard]] bool contains(std::uint64_t chunk) const {
    auto it = ranges_.upper_bound(chunk);
    return it != ranges_.begin() && std::prev(it)->second > chunk;
  }
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  void clear() { ranges_.clear(); }
  /// The number of chunks in all ranges.
  [[nodiscard]] std::uint64_t size() const {
    std::uint64_t sum = 0;
    for (auto [first, last] : ranges_) sum += last - first;
    return sum;
  }
  [[nodiscard]] std::vector<Range> ranges() const {
    std::vector<Range> list;
    for (auto [first, last] : ranges_) list.push_back({first, last});
    return list;
  }

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;  // first → last
};

}  // namespace stint
