// SPDX-License-Identifier: Apache-2.0
#include "cli/job_options.hpp"

#include "base/error.hpp"

#include "cli/usage_error.hpp"

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace stint {
namespace {

// What is said of a job that registers these two names beside Stint's --threads and --fresh; empty: nothing.
std::string said(const std::string& number, const std::string& flag) {
  CLI::App app;
  int threads = 0;
  bool fresh = false, set = false;
  std::uint64_t count = 0;
  app.add_option("-t,--threads", threads);
  app.add_flag("--fresh", fresh);
  Options options;
  options.add(number, count, "a number").add(flag, set, "a flag");
  try {
    add_job_options(app, options, {});
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::defect);
    return error.what();
  }
  return "";
}

TEST(JobOptions, AJobHasItsOwnNames) { EXPECT_EQ(said("points", "exact"), ""); }

TEST(JobOptions, ANameOfTheCommandAboveIsNamedToo) {
  CLI::App run;
  auto* job = run.add_subcommand("pi");
  std::uint64_t ranks = 0;
  run.add_option("-n,--ranks", ranks);
  Options options;
  options.add("ranks", ranks, "ranks of a matrix");
  EXPECT_THROW(add_job_options(*job, options, {}), Error);
}

TEST(JobOptions, ANameOfStintIsNamed) {
  EXPECT_THAT(said("threads", "exact"), ::testing::HasSubstr("registers option --threads, which is Stint"));
  EXPECT_THAT(said("points", "fresh"), ::testing::HasSubstr("registers option --fresh, which is Stint"));
}

// As of a variable of the shell that is not set.
TEST(JobOptions, AnEmptyValueIsRefusedWhereNothingHasAnEmptyName) {
  for (const auto& [given, refused] : std::initializer_list<std::pair<const char*, bool>>{
           {"--each=", true}, {"--limit=", true}, {"--folder=", true}, {"--output=", true}, {"--prefix=", false}, {"--mpirun=", false}}) {
    CLI::App app;
    std::string output, mpirun, limit, folder, prefix;
    std::vector<std::string> each;
    app.add_option("--output", output)->type_name("FILE");
    app.add_option("--mpirun", mpirun)->type_name(arguments_type);
    Options options;
    options.add_word("each", "FILE", each, "").add_word("limit", "TIME|N%", limit, "").add_folder("folder", folder, "");
    options.add("prefix", prefix, "");
    add_job_options(app, options);
    const std::string name(given, std::strlen(given) - 1);
    app.parse(std::vector<std::string>{"", name});  // from the back
    const auto look = [&] { refuse_empty_values(app); };
    if (refused) {
      EXPECT_THAT(look, ::testing::ThrowsMessage<Error>(::testing::HasSubstr(name + " has an empty value"))) << given;
    } else {
      EXPECT_NO_THROW(look()) << given;
    }
  }
}

TEST(JobOptions, AMistypedOneBehindAVerbIsAnsweredWithTheOneThatIsMeant) {
  std::uint64_t top = 0;
  Options options;
  options.add("top", top, "words to show", OptionKind::result);
  for (const auto& [words, says] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--topp", "3"}, "there is no option --topp; did you mean --top? result takes options"},
           {{"--zyxwv"}, "there is no option --zyxwv; result takes options"},
           {{"3"}, "result takes options"}}) {
    try {
      apply_words(options, words, {OptionKind::result}, "result takes options");
      FAIL() << words.front();
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::usage);
      EXPECT_THAT(error.what(), ::testing::HasSubstr(says));
    }
  }
}

TEST(JobOptions, AWrongValueFromTheEnvironmentIsToldByItsVariable) {
  CLI::App app;
  int lease = 0;
  app.add_option("--lease", lease)->envname("STINT_LEASE");
  ::setenv("STINT_LEASE", "x", 1);
  EXPECT_EQ(in_words_of_user("--lease: 'x' is not a time", app), "STINT_LEASE: 'x' is not a time");
  EXPECT_EQ(in_words_of_user("--lease: 'y' is not a time", app), "--lease: 'y' is not a time") << "given on the command line";
  EXPECT_EQ(in_words_of_user("Could not convert: --lease = x", app), "STINT_LEASE: 'x' is not a value that it takes");
  ::unsetenv("STINT_LEASE");
  EXPECT_EQ(in_words_of_user("--lease: 'x' is not a time", app), "--lease: 'x' is not a time");
}

}  // namespace
}  // namespace stint
