// SPDX-License-Identifier: Apache-2.0
#include "base/range_list.hpp"

#include <gtest/gtest.h>

namespace stint {
namespace {

TEST(RangeListTest, ReadsNumbersAndRangesWithTheirLast) {
  EXPECT_EQ(parse_range_list("3,17,20-25"), (std::vector<Range>{{3, 4}, {17, 18}, {20, 26}}));
  EXPECT_EQ(parse_range_list("0"), (std::vector<Range>{{0, 1}}));
  EXPECT_EQ(parse_range_list(""), std::vector<Range>{});
}

TEST(RangeListTest, RefusesEverythingElse) {
  for (const char* text : {",", "3,", ",3", "3,,4", "a", "3-", "-3", "5-3", "3 4", "1e3", "0x3", "18446744073709551615",
                           "99999999999999999999"}) {
    EXPECT_EQ(parse_range_list(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace stint
