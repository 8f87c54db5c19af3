// SPDX-License-Identifier: Apache-2.0
// What rank 0 leaves on the blackboard for the other ranks of its world.
#include "cli/rendezvous.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace stint {
namespace {

TEST(RunWordTest, GoesThroughItsTextUnchanged) {
  const RunWord word{"run-1", "sum", std::numeric_limits<std::uint64_t>::max(), "sum 1", R"({"chunk":["3"]})", true};
  const auto back = RunWord::decode(word.encode());
  EXPECT_EQ(back.run, word.run);
  EXPECT_EQ(back.seed, word.seed);
  EXPECT_EQ(back.options, word.options);
  EXPECT_TRUE(back.joined);
  EXPECT_EQ(back.encode(), word.encode());
}

TEST(RunWordTest, ThatIsNoneIsDamageAndNoDefect) {
  for (const auto* text : {"", "{", "[]", "7", "{}", R"({"run":"r","job":"j","seed":1,"program":"p","options":"{}"})",
                           R"({"run":5,"job":"j","seed":1,"program":"p","options":"{}","joined":true})",
                           R"({"run":"r","job":"j","seed":1e300,"program":"p","options":"{}","joined":true})"}) {
    try {
      (void)RunWord::decode(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::damaged) << text;
    }
  }
}

}  // namespace
}  // namespace stint
