// SPDX-License-Identifier: Apache-2.0
#include "cli/job_options.hpp"

#include "base/error.hpp"

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

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

}  // namespace
}  // namespace stint
