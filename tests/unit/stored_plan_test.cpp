// SPDX-License-Identifier: Apache-2.0
// Plans that were read from a blackboard are held against themselves before anything in them is indexed.
#include "sum.hpp"
#include "synthetic.hpp"

#include <stint/detail/adapter.hpp>
#include <stint/plan.hpp>

#include <gtest/gtest.h>

namespace stint {
namespace {

using Longest = LongestFirst<std::vector<int>>;

TEST(StoredPlanTest, LongestFirstIndexesNothingThatIsNotThere) {
  Longest plan = longest_first(std::vector<int>{7, 8, 9}, {1, 3, 2});
  EXPECT_TRUE(plan.sound());
  EXPECT_FALSE((Longest{plan.items, {0, 1, 3}, plan.cost}).sound()) << "an index beyond the items";
  EXPECT_FALSE((Longest{plan.items, plan.order, {1, 2}}).sound());
  EXPECT_FALSE((Longest{{7, 8}, {0, 1, 0}, plan.cost}).sound());
  EXPECT_FALSE((LongestFirst<Split>{{3, 0}, {}, {}}).sound()) << "what it is made of is asked, too";
}

TEST(StoredPlanTest, AJobDoesNotAdoptAPlanWhosePartsDoNotFit) {
  const auto adopts = [](const Synthetic::Plan& plan) {
    Adapter<Synthetic> job;
    try {
      job.adopt_plan(archive::encode(plan));
      return true;
    } catch (const archive::DecodeError&) {
      return false;
    }
  };
  EXPECT_TRUE(adopts({.chunks = 2, .seconds = {1, 2}, .indices = {0, 1}, .costs = {1, 2}}));
  EXPECT_FALSE(adopts({.chunks = 3, .seconds = {1, 2}}));
  EXPECT_FALSE(adopts({.chunks = 2, .seconds = {1, 2}, .indices = {0}}));
  EXPECT_FALSE(adopts({.chunks = 2, .costs = {1}}));
  EXPECT_FALSE(adopts({.chunks = 2, .skew = 3}));
}

}  // namespace
}  // namespace stint
