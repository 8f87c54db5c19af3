// SPDX-License-Identifier: Apache-2.0
#include "blackboard/run_record.hpp"

#include <gtest/gtest.h>

#include <string>

namespace stint {
namespace {

TEST(NodeNamedTest, KnowsEachNodeByOneName) {
  for (const Node node : {Node{0, 0}, Node{3, 17}, Node{32, 0xffffffffU}}) EXPECT_EQ(node_named(node.name()), node);
  for (const char* name : {"", ":", "3", "3:", ":17", "3:17 ", " 3:17", "03:17", "3:017", "+3:17", "-3:17", "3:-17", "33:0", "1:4294967296",
                           "1:9223372036854775808", "0:99999999999999999999"}) {
    EXPECT_EQ(node_named(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace stint
