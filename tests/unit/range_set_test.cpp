// SPDX-License-Identifier: Apache-2.0
// RangeSet against a plain set of numbers.
#include "base/range_set.hpp"

#include <gmock/gmock.h>

#include <random>
#include <set>

namespace stint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// The ranges of a plain set: what RangeSet must have.
std::vector<Range> ranges_of(const std::set<std::uint64_t>& numbers) {
  std::vector<Range> ranges;
  for (const auto number : numbers) {
    if (!ranges.empty() && ranges.back().last == number) {
      ranges.back().last = number + 1;
    } else {
      ranges.push_back({number, number + 1});
    }
  }
  return ranges;
}

TEST(RangeSetTest, HoldsWhatAPlainSetHoldsAfterAnyHistory) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    RangeSet ranges;
    std::set<std::uint64_t> numbers;
    const auto bound = 2 + random() % 80;
    for (int step = 0; step < 100; ++step) {
      const auto first = random() % bound;
      const Range range{first, first + random() % 12};
      const bool adds = random() % 2 == 0;
      adds ? ranges.add(range) : ranges.remove(range);
      for (auto number = range.first; number < range.last; ++number) {
        adds ? (void)numbers.insert(number) : (void)numbers.erase(number);
      }
      ASSERT_EQ(ranges.ranges(), ranges_of(numbers)) << "seed " << seed << ", step " << step;
      ASSERT_EQ(ranges.size(), numbers.size());
      ASSERT_EQ(ranges.empty(), numbers.empty());
      for (std::uint64_t number = 0; number < bound + 12; ++number) {
        ASSERT_EQ(ranges.contains(number), numbers.contains(number)) << "seed " << seed << ", number " << number;
      }
    }
  }
}

TEST(RangeSetTest, JoinsNeighbours) {
  RangeSet ranges;
  ranges.add({0, 4});
  ranges.add({8, 12});
  EXPECT_THAT(ranges.ranges(), ElementsAre(Range{0, 4}, Range{8, 12}));
  ranges.add({4, 8});
  EXPECT_THAT(ranges.ranges(), ElementsAre(Range{0, 12}));
}

TEST(RangeSetTest, CutsAHole) {
  RangeSet ranges;
  ranges.add({0, 12});
  ranges.remove({4, 8});
  EXPECT_THAT(ranges.ranges(), ElementsAre(Range{0, 4}, Range{8, 12}));
  EXPECT_EQ(ranges.size(), 8U);
}

TEST(RangeSetTest, TakesNoNoticeOfEmptyRanges) {
  RangeSet ranges;
  ranges.add({5, 5});
  ranges.add({7, 3});
  EXPECT_TRUE(ranges.empty());
  ranges.add({0, 9});
  ranges.remove({4, 4});
  ranges.remove({6, 2});
  EXPECT_EQ(ranges.size(), 9U);
  ranges.clear();
  EXPECT_THAT(ranges.ranges(), IsEmpty());
}

}  // namespace
}  // namespace stint
