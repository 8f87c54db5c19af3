// SPDX-License-Identifier: Apache-2.0
// Names, words and tables of the verbs that look at runs.
#include <stint/stint.hpp>

#include "base/error.hpp"
#include "blackboard/directory.hpp"
#include "cli/text_layout.hpp"
#include "cli/verbs/ls.hpp"
#include "cli/what_ran.hpp"
#include "pi.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stint {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> runs{"pi-aa11-1", "wordcount-b2", "pi-aa11-2", "pi"};

TEST(RunNamedTest, TakesAnIdItsBeginningOrLast) {
  EXPECT_EQ(run_named("last", runs), "pi-aa11-1");
  EXPECT_EQ(run_named("pi", runs), "pi") << "a whole id, though others begin so";
  EXPECT_EQ(run_named("w", runs), "wordcount-b2");
  EXPECT_EQ(run_named("wordc…", runs), "wordcount-b2") << "as ls shortens it";
  EXPECT_EQ(run_named("pi…2", runs), "pi-aa11-2");
}

TEST(RunNamedTest, RefusesWithAdvice) {
  struct Case {
    const char* name;
    std::vector<std::string> runs;
    const char* says;
  };
  for (const auto& each : std::vector<Case>{
           {"last", {}, "there is no run yet; stint run JOB starts one"},
           {"pi", {}, "there is no run yet"},
           {"pi-", runs, "'pi-' begins 2 runs: pi-aa11-1, pi-aa11-2; give more of the name"},
           {"a", {"a1", "a2", "a3", "a4", "a5", "a6", "a7"}, "'a' begins 7 runs: a1, a2, a3, a4, a5 and 2 more;"},
           {"aa11-2", runs, "there is no run 'aa11-2' on this blackboard; did you mean pi-aa11-2? stint ls lists all"},
           {"sum", runs, "there is no run 'sum' on this blackboard; stint ls lists all"},
           {"pi…3", runs, "there is no run 'pi…3'"},
           {"…", runs, "there is no run '…'"},
           {"", runs, "there is no run ''"},
           {"\x1b[31m", runs, "there is no run '?[31m'"},
           {"*", runs, "there is no run '*'"},
       }) {
    try {
      ADD_FAILURE() << each.name << " means " << run_named(each.name, each.runs);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(each.says));
      EXPECT_EQ(error.exit(), Exit::usage);
    }
  }
}

TEST(ShortNameTest, IsAPatternThatNamesTheRun) {
  const std::vector<std::string> long_runs{"scan-of-parameters-1", "scan-of-parameters-2", "scan-of-parameters-2b", "aaaaaaaaab-x-aaaaaaaaab",
                                           "aaaaaaaaab-y-aaaaaaaaab", "wordcount-3fa9c1-77"};
  EXPECT_EQ(short_name("wordcount-3fa9c1-77", 12, long_runs), "wordcount-3…");
  EXPECT_EQ(short_name("scan-of-parameters-1", 12, long_runs), "scan-o…ers-1");
  EXPECT_EQ(short_name("aaaaaaaaab-x-aaaaaaaaab", 12, long_runs), "aaaaaaaaab-x-aaaaaaaaab") << "nothing shorter tells them apart";
  EXPECT_EQ(short_name("wordcount-3fa9c1-77", 19, long_runs), "wordcount-3fa9c1-77");
  for (const auto& run : long_runs) EXPECT_EQ(run_named(short_name(run, 12, long_runs), long_runs), run);
}

TEST(TextLayoutTest, CountsCharactersAndShowsNoControlCharacters) {
  EXPECT_EQ(text_width("año…"), 4U);
  EXPECT_EQ(shortened("año nuevo", 4), "año…");
  EXPECT_EQ(shortened("año", 3), "año");
  EXPECT_EQ(printable("a\nb\tc\x1b[31m\x7f é"), "a b c\\x1b[31m\\x7f é");
}

TEST(TextLayoutTest, ATableIsShortenedAndThenLosesColumns) {
  const std::vector<Column> columns{
      {.title = "RUN", .least = 5}, {.title = "N", .right = true, .drop = 1}, {.title = "WHAT", .least = 4, .drop = 2}};
  const std::vector<std::vector<std::string>> rows{{"abcdefgh", "10", "one two three"}, {"x", "7", ""}};
  EXPECT_EQ(table(columns, rows, 0), "RUN        N  WHAT\nabcdefgh  10  one two three\nx          7\n");
  EXPECT_EQ(table(columns, rows, 25), "RUN      N  WHAT\nabcde…  10  one two three\nx        7\n");
  EXPECT_EQ(table(columns, rows, 20), "RUN     N  WHAT\nabcd…  10  one two …\nx       7\n");
  EXPECT_EQ(table(columns, rows, 12), "RUN        N\nabcdefgh  10\nx          7\n");
  EXPECT_EQ(table(columns, rows, 3), "RUN\nabcd…\nx\n") << "what names the row stays";
}

TEST(WhatRanTest, ShowsWhatDiffersFromTheDefaultsAndThenTheWords) {
  EXPECT_EQ(what_ran("pi", R"({"points":["1000"],"x":["0x1.8p+1"],"list":["0x1p+0,0x1p+1"],"t":["a b"]})", {}),
            "pi --list 1,2 --points 1000 --t 'a b' --x 3");
  EXPECT_EQ(what_ran("pi", "rubbish", {}), "pi");
  const std::vector<JobEntry> jobs{{"pi", "", []() -> std::unique_ptr<AnyJob> { return std::make_unique<Adapter<Pi>>(); }}};
  EXPECT_EQ(what_ran("pi", R"({"points":["1000000000"],"seed":["7"]})", jobs), "pi --seed 7");
  EXPECT_EQ(what_ran("other", R"({"WORD":["a\\x0ab"],"seed":["7"]})", jobs), "other --WORD 'a\nb' --seed 7");
}

}  // namespace
}  // namespace stint
