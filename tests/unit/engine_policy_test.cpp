// SPDX-License-Identifier: Apache-2.0
#include "engine/policy.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

namespace stint::policy {
namespace {

TEST(EnginePolicy, KeepsTwentyRoundTripsAheadWithinBounds) {
  struct Case {
    double round_trip, ahead;
  };
  for (const auto& [round_trip, ahead] :
       std::vector<Case>{{0, 0.002}, {0.00005, 0.002}, {0.0005, 0.01}, {0.002, 0.04}, {0.1, 0.1}}) {
    EXPECT_DOUBLE_EQ(ahead_seconds(round_trip), ahead) << round_trip;
  }
}

TEST(EnginePolicy, ClaimsWhenAThreadIsIdleOrShortChunksRunLow) {
  struct Case {
    Demand demand;
    bool claim;
    const char* why;
  };
  // threads, running, ready chunks, ready seconds, seconds a chunk; a round trip of 1 ms keeps 20 ms ahead
  const std::vector<Case> cases{
      {{4, 0, 0, 0, 0}, true, "nothing in hand"},
      {{4, 3, 0, 0, 0}, true, "one thread idle, nothing known"},
      {{4, 4, 0, 0, 0}, false, "all at work, length of chunks not known"},
      {{4, 3, 1, 1, 1}, false, "the idle thread has what to take"},
      {{4, 4, 0, 0, 1}, false, "long chunks are not fetched ahead"},
      {{4, 3, 0, 0, 1}, true, "long chunks are fetched by an idle thread"},
      {{4, 4, 0, 0, 0.001}, true, "short chunks are fetched ahead"},
      {{4, 4, 5, 0.019, 0.001}, true, "short chunks, soon at their end"},
      {{4, 4, 5, 0.021, 0.001}, false, "short chunks, enough of them"},
      {{4, 4, 0, 0, 0.02}, false, "not short: as long as what is kept ahead"},
  };
  for (const auto& [demand, claim, why] : cases) EXPECT_EQ(should_claim(demand, 0.001), claim) << why;
}

TEST(EnginePolicy, ClaimsLongerAsWorkersBecomeMany) {
  struct Case {
    std::uint64_t workers;
    double seconds;
  };
  for (const auto& [workers, seconds] :
       std::vector<Case>{{0, 0.2}, {1, 0.2}, {250, 0.2}, {625, 0.5}, {1250, 1}, {10000, 8}, {1'000'000, 10}}) {
    EXPECT_DOUBLE_EQ(claim_seconds(workers), seconds) << workers;
  }
}

TEST(EnginePolicy, HoldsResultsLongerAsWorkersBecomeMany) {
  EXPECT_DOUBLE_EQ(commit_seconds(1, 0), 1);
  EXPECT_DOUBLE_EQ(commit_seconds(1, 1250), 1);
  EXPECT_DOUBLE_EQ(commit_seconds(1, 10000), 8);
  EXPECT_DOUBLE_EQ(commit_seconds(0.05, 10000), 0.4) << "who wants them at once still gets them soon";
}

TEST(EnginePolicy, LetsMoreNodesWaitWhereRanksAreMany) {
  EXPECT_EQ(node_limit(1), 8192U);
  EXPECT_EQ(node_limit(10000), 160000U);
}

TEST(EnginePolicy, LeasesAreLongerWhereWorkersAreMany) {
  EXPECT_DOUBLE_EQ(lease_seconds(10, 0), 10);
  EXPECT_DOUBLE_EQ(lease_seconds(10, 3000), 10);
  EXPECT_DOUBLE_EQ(lease_seconds(10, 10'000), 30);
  EXPECT_DOUBLE_EQ(lease_seconds(60, 10'000), 60);
}

TEST(EnginePolicy, HeartbeatsAreFewerWhereWorkersAreMany) {
  EXPECT_DOUBLE_EQ(heartbeat_seconds(10, 0), 2);
  EXPECT_DOUBLE_EQ(heartbeat_seconds(10, 3000), 2);
  EXPECT_DOUBLE_EQ(heartbeat_seconds(10, 1'000'000), 10.0 / 3);
  EXPECT_DOUBLE_EQ(heartbeat_seconds(0.1, 1), 0.05);
}

TEST(EnginePolicy, AsksForTheLeastWhileTheRateIsUnknownAndGrowsEightfoldAtMost) {
  EXPECT_EQ(claim_cost(0.2, 0, 0), 0);
  EXPECT_EQ(claim_cost(0.2, 0, 1000), 0);
  EXPECT_DOUBLE_EQ(claim_cost(0.2, 0.001, 0), 200);
  EXPECT_DOUBLE_EQ(claim_cost(0.2, 0.001, 1), 8);
  EXPECT_DOUBLE_EQ(claim_cost(0.2, 0.001, 100), 200);
  EXPECT_DOUBLE_EQ(claim_cost(0.2, 0.1, 100), 2) << "it shrinks at once";
}

TEST(EnginePolicy, StealsOnlyWhatIsWorthFourRoundTripsAndTwoCommits) {
  EXPECT_DOUBLE_EQ(least_steal_seconds(0.001, 0.0005), 0.004);
  EXPECT_DOUBLE_EQ(least_steal_seconds(0.001, 0.1), 0.2);
}

TEST(EnginePolicy, IdleWorkersWaitLongerAfterEachMissUpToABound) {
  for (std::uint64_t workers : {1, 40, 100, 4000, 1'000'000}) {
    const double bound = workers <= 40 ? 0.01 : workers == 100 ? 0.025 : workers == 4000 ? 1 : 5;
    double before = 0;
    for (int misses = 0; misses < 100; ++misses) {
      const double middle = idle_seconds(misses, workers, 0.5);
      EXPECT_GE(middle, before);
      EXPECT_LE(middle, bound);
      EXPECT_GT(idle_seconds(misses, workers, 0), 0);
      EXPECT_DOUBLE_EQ(idle_seconds(misses, workers, 0), 0.5 * middle);
      EXPECT_LT(idle_seconds(misses, workers, 0.999), 1.5 * middle);
      before = middle;
    }
    EXPECT_DOUBLE_EQ(before, bound) << workers;
  }
}

TEST(EnginePolicy, ReconnectsAtOnceAndThenEachSecond) {
  EXPECT_DOUBLE_EQ(reconnect_seconds(0, 10, 0.5), 0.01);
  EXPECT_DOUBLE_EQ(reconnect_seconds(3, 10, 0.5), 0.08);
  EXPECT_DOUBLE_EQ(reconnect_seconds(1000, 10, 0.5), 1);
  EXPECT_DOUBLE_EQ(reconnect_seconds(1000, 10, 0), 0.5);
  EXPECT_LT(reconnect_seconds(1000, 1, 1), 0.5) << "well below a lease of 1 s, so that nobody is given up";
}

TEST(EnginePolicy, BlocksFillHalfAMillisecondAndLeaveSomeForTheOtherThreads) {
  struct Case {
    std::uint64_t ready;
    int threads;
    double chunk_seconds;
    std::uint64_t chunks;
  };
  const std::vector<Case> cases{
      {1000, 4, 0, 1},        // not known
      {1000, 4, 0.001, 1},    // long
      {1000, 4, 0.0005, 1},   // just so long
      {1000, 4, 0.0001, 5},   // half a millisecond
      {1000, 4, 1e-9, 62},    // a portion
      {10, 4, 1e-9, 1},       // few left
      {1'000'000'000'000, 1, 1e-300, 1'000'000'000},
  };
  for (const auto& [ready, threads, seconds, chunks] : cases) {
    EXPECT_EQ(block_chunks(ready, threads, seconds), chunks) << ready << ' ' << threads << ' ' << seconds;
  }
}

TEST(EnginePolicy, RetriesWaitThreefoldEachTimeUpToHalfAMinute) {
  EXPECT_DOUBLE_EQ(retry_seconds(1), 0.1);
  EXPECT_DOUBLE_EQ(retry_seconds(2), 0.3);
  EXPECT_DOUBLE_EQ(retry_seconds(4), 2.7);
  EXPECT_DOUBLE_EQ(retry_seconds(7), 30);
  EXPECT_DOUBLE_EQ(retry_seconds(1000), 30);
}

}  // namespace
}  // namespace stint::policy
