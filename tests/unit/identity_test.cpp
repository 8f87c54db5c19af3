// SPDX-License-Identifier: Apache-2.0
#include "cli/identity.hpp"

#include "base/error.hpp"
#include "support/run_in_process.hpp"
#include "synthetic.hpp"

#include <stint/detail/adapter.hpp>

#include <gmock/gmock.h>

namespace stint {
namespace {

using ::testing::MatchesRegex;

RunIdentity identity_of(const char* chunks) {
  Adapter<Synthetic> job;
  Options options;
  job.options(options);
  for (const Options::Entry& entry : options.entries()) {
    if (entry.name == "chunks") entry.set({chunks});
  }
  return identify(job, options);
}

TEST(IdentityTest, NamesRunsByDigestsOf48Bits) {
  const auto one = identity_of("10"), other = identity_of("11");
  EXPECT_THAT(one.run, MatchesRegex("synthetic-[0-9a-f]+-[0-9a-f]+"));
  EXPECT_EQ(one.run.size(), std::string("synthetic--").size() + 24);
  EXPECT_NE(one.beginning, other.beginning);
  EXPECT_FALSE(same_but_input(one.json, other.json));
  EXPECT_EQ(difference(one.json, other.json), "chunks: 10, here 11");
}

TEST(IdentityTest, ADamagedDescriptionIsSaidToBeOne) {
  const auto good = identity_of("10").json;
  for (const auto* bad : {"", "no JSON", "[1]", R"({"job":5})", R"({"job":"synthetic","options":{"chunks":[7]}})",
                          R"({"job":"synthetic","paths":[]})", R"({"job":"synthetic","paths":"x","files":1e300})"}) {
    EXPECT_EQ(difference(bad, good), "its description cannot be read") << bad;
    EXPECT_FALSE(same_but_input(bad, good)) << bad;
  }
}

TEST(IdentityTest, OptionsAreReadAsTheyWereWrittenOrNotAtAll) {
  Adapter<Synthetic> job;
  Options options;
  job.options(options);
  for (const Options::Entry& entry : options.entries()) {
    if (entry.name == "append") entry.set({"/a\\b\xff\\x41"});
  }
  EXPECT_EQ(stored_options(options_json(options)).at("append"), std::vector<std::string>{"/a\\b\xff\\x41"});
  for (const auto* bad : {"", "{", "[]", R"({"chunks":[5]})", R"({"append":["\\xzz"]})", R"({"append":["\\x4"]})", R"({"append":["\\"]})",
                          R"({"append":["\\x-1"]})", R"({"chunks":7})"}) {
    EXPECT_TRUE(stored_options(bad).empty()) << bad;
  }
}

TEST(IdentityTest, DamagedOptionsAreDamageAndNoDefect) {
  for (const auto* bad : {"", "{", "[]", R"({"chunks":[5]})", R"({"chunks":["\\xzz"]})", R"({"chunks":7})"}) {
    Adapter<Synthetic> job;
    Options options;
    job.options(options);
    try {
      apply_options(options, bad, false);
      ADD_FAILURE() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::damaged) << bad;
    }
  }
}

}  // namespace
}  // namespace stint
