// SPDX-License-Identifier: Apache-2.0
// The yardstick itself: what it prints depends on every chunk and on their order, and on nothing else.
#include "synthetic.hpp"

#include "support/run_in_process.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <string>

namespace stint {
namespace {

using support::Arguments;
using support::InProcess;
using support::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Pair;

std::string refusal(const Arguments& arguments) {
  try {
    InProcess<Synthetic> run(arguments);
  } catch (const std::invalid_argument& error) {
    return error.what();
  } catch (const BadInput& error) {
    return error.what();
  }
  return "it was accepted";
}

TEST(Synthetic, PrintsChunksSumAndDigest) {
  EXPECT_THAT(InProcess<Synthetic>({{"chunks", {"10"}}}).result(),
              MatchesRegex("chunks 10 sum -?[0-9.e+-]+ digest [0-9a-f]+\n"));
}

TEST(Synthetic, IsTheSameForAnyRanges) {
  for (const char* payload : {"0", "100"}) {
    InProcess<Synthetic> run({{"chunks", {"1000"}}, {"payload", {payload}}});
    const std::string whole = run.result();
    for (std::uint64_t length : {1, 7, 64, 333}) EXPECT_EQ(run.result(run.ranges_of(length)), whole);
  }
}

TEST(Synthetic, TellsAMissingADoubleAndAMisplacedChunk) {
  InProcess<Synthetic> run({{"chunks", {"8"}}});
  const std::string whole = run.result();
  EXPECT_NE(run.result({{0, 7}}), whole);
  const RunFacts facts;
  Synthetic job;
  job.chunks = 8;
  const auto plan = job.plan(Context(facts));
  auto merged = [&](std::vector<std::uint64_t> order) {
    Synthetic::Partial left = job.compute(plan[order[0]], Context(facts, order[0]));
    for (std::size_t i = 1; i < order.size(); ++i)
      job.reduce(left, job.compute(plan[order[i]], Context(facts, order[i])));
    return left.digest;
  };
  EXPECT_NE(merged({0, 1, 2}), merged({0, 2, 1}));
  EXPECT_NE(merged({0, 1, 2}), merged({1, 0, 2}));
  EXPECT_NE(merged({0, 1, 2}), merged({0, 1, 1, 2}));
}

TEST(Synthetic, SumDependsOnTheOrderOfAdditions) {
  const RunFacts facts;
  Synthetic job;
  job.chunks = 1000;
  const auto plan = job.plan(Context(facts));
  double forwards = 0;
  double backwards = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    forwards += job.compute(plan[i], Context(facts, i)).sum;
    backwards += job.compute(plan[999 - i], Context(facts, 999 - i)).sum;
  }
  EXPECT_NE(forwards, backwards);
}

TEST(Synthetic, KeepsThePayloadOfMergedPartialsAsLongAsOne) {
  InProcess<Synthetic> run({{"chunks", {"100"}}, {"payload", {"4K"}}});
  EXPECT_LT(run.partial({{0, 100}}).size(), 4096U + 100U);
  EXPECT_GT(run.partial({{0, 100}}).size(), 4096U);
}

TEST(Synthetic, FailsTheChunksNamedAtTheAttemptsNamed) {
  InProcess<Synthetic> run({{"chunks", {"30"}}, {"fail-chunks", {"3,17,20-25:2"}}});
  (void)run.partial({{0, 30}}, 1);
  EXPECT_EQ(run.failures.size(), 8U);
  EXPECT_THAT(run.failures[3], HasSubstr("chunk 3 fails as told"));
  (void)run.partial({{0, 30}}, 2);
  EXPECT_EQ(run.failures.size(), 8U);
  EXPECT_EQ(run.result({{0, 30}}, 3), InProcess<Synthetic>({{"chunks", {"30"}}}).result());
  EXPECT_TRUE(run.failures.empty());
}

TEST(Synthetic, KillsItsProcessAtTheChunksNamed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a process of its own: other tests leave threads behind
  EXPECT_EXIT(
      {
        InProcess<Synthetic> run({{"chunks", {"3"}}, {"crash-chunks", {"1"}}});
        (void)run.result();
      },
      ::testing::KilledBySignal(SIGKILL), "");
}

TEST(Synthetic, SleepsAndHangsUntilItIsStopped) {
  const std::atomic<bool> stop{true};
  const RunFacts facts{.stop = &stop};
  for (const Arguments& arguments :
       {Arguments{{"chunks", {"1"}}, {"hang-chunks", {"0"}}}, Arguments{{"chunks", {"1"}}, {"seconds", {"1e6"}}},
        Arguments{{"chunks", {"1"}}, {"seconds", {"1e6"}}, {"work", {"spin"}}}}) {
    EXPECT_ANY_THROW(InProcess<Synthetic>(arguments, facts).result());
  }
}

TEST(Synthetic, WritesOneLineForEachComputation) {
  TemporaryFolder folder;
  const std::string file = folder.path() / "log";
  InProcess<Synthetic> run({{"chunks", {"3"}}, {"append", {file}}}, {.worker = "host/0.x"});
  (void)run.result();
  (void)run.result({{1, 2}}, 2);
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  EXPECT_EQ(text.str(), "0 1 host/0.x\n1 1 host/0.x\n2 1 host/0.x\n1 2 host/0.x\n");
}

TEST(Synthetic, DrawsTimesOfTheMeanAskedFor) {
  const RunFacts facts;
  for (const char* skew : {"none", "linear", "pareto"}) {
    Synthetic job;
    job.chunks = 200'000;
    job.seconds = 3;
    job.skew = skew;
    const auto plan = job.plan(Context(facts));
    double sum = 0;
    double longest = 0;
    for (std::uint64_t i = 0; i < job.chunks; ++i) {
      sum += plan[i].seconds;
      longest = std::max(longest, plan[i].seconds);
    }
    EXPECT_NEAR(sum / 200'000, 3, 0.06) << skew;
    EXPECT_LE(longest, 150) << skew;
    EXPECT_EQ(plan[0].seconds < plan[199'999].seconds / 1000, job.skew == "linear") << skew;
    EXPECT_EQ(longest > 100, job.skew == "pareto") << skew;
  }
}

TEST(Synthetic, TakesTimesFromAFileAndPutsTheLongestFirst) {
  TemporaryFolder folder;
  const std::string file = folder.write("times", "0.001\n0.003\r\n0\n0.002");
  const RunFacts facts;
  auto seconds_of = [&](bool longest_first) {
    Synthetic job;
    job.durations.paths = {file};
    job.longest_first = longest_first;
    const auto plan = archive::decode<Synthetic::Plan>(archive::encode(job.plan(Context(facts))));
    std::vector<std::pair<std::uint64_t, double>> items;
    for (std::uint64_t i = 0; i < plan.size(); ++i) items.emplace_back(plan[i].index, plan[i].seconds);
    EXPECT_EQ(plan.weights().size(), longest_first ? 4U : 0U);
    return items;
  };
  EXPECT_THAT(seconds_of(false), ElementsAre(Pair(0, 0.001), Pair(1, 0.003), Pair(2, 0), Pair(3, 0.002)));
  EXPECT_THAT(seconds_of(true), ElementsAre(Pair(1, 0.003), Pair(3, 0.002), Pair(0, 0.001), Pair(2, 0)));
  EXPECT_EQ(InProcess<Synthetic>({{"durations", {file}}}).chunks(), 4U);
  EXPECT_EQ(InProcess<Synthetic>({{"durations", {file}}, {"chunks", {"4"}}}).chunks(), 4U);
  EXPECT_THAT(refusal({{"durations", {file}}, {"chunks", {"5"}}}), HasSubstr("has 4 lines"));
  EXPECT_THAT(refusal({{"durations", {folder.write("bad", "1\nx\n")}}}), HasSubstr("byte 2: 'x' is no number"));
  EXPECT_THAT(refusal({{"durations", {folder.write("bad", "1\n-1\n")}}}), HasSubstr("'-1' is no duration"));
  EXPECT_THAT(refusal({{"durations", {folder.write("bad", "")}}}), HasSubstr("no durations"));
}

TEST(Synthetic, SaysWhatIsWrongWithItsOptions) {
  EXPECT_THAT(refusal({}), HasSubstr("give --chunks"));
  EXPECT_THAT(refusal({{"chunks", {"3"}}, {"longest-first", {}}}), HasSubstr("needs --durations"));
  EXPECT_THAT(refusal({{"chunks", {"3"}}, {"seconds", {"-1"}}}), HasSubstr("--seconds"));
  EXPECT_THAT(refusal({{"chunks", {"3"}}, {"fail-chunks", {"1,3"}}}),
              HasSubstr("--fail-chunks 1,3: the chunks are 0 to 2"));
  for (const char* text : {"x", "1,", ",1", "1-", "-1", "3-1", "1:", "1:0", "1:x", "1:2:3", "1 2", "1.5"}) {
    EXPECT_THAT(refusal({{"chunks", {"9"}}, {"crash-chunks", {text}}}),
                HasSubstr("--crash-chunks '" + std::string(text)))
        << text;
  }
}

TEST(ChunkList, NamesRangesAndAttempts) {
  const ChunkList list("x", "3,17,20-25:2");
  EXPECT_EQ(list.end(), 26U);
  for (std::uint64_t chunk : {3, 17, 20, 23, 25}) {
    EXPECT_TRUE(list.names(chunk, 1));
    EXPECT_TRUE(list.names(chunk, 2));
    EXPECT_FALSE(list.names(chunk, 3));
  }
  for (std::uint64_t chunk : {0, 2, 4, 19, 26}) EXPECT_FALSE(list.names(chunk, 1));
  EXPECT_TRUE(ChunkList("x", "5").names(5, 1'000'000));
  EXPECT_TRUE(ChunkList("x", "").empty());
}

}  // namespace
}  // namespace stint
