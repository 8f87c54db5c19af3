// SPDX-License-Identifier: Apache-2.0
#include <stint/detail/adapter.hpp>
#include <stint/error.hpp>
#include <stint/plan.hpp>

#include "engine/team.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace stint {
namespace {

using ::testing::ElementsAre;

enum class Trouble { none, reduce, chunk, input, stop };
std::atomic<Trouble> trouble;
std::atomic<bool> stop;

// Sixteen chunks of one; chunk 5 makes the trouble.
template <bool parallel>
struct Troubled {
  static constexpr auto name = "troubled";
  static constexpr bool parallel_chunks = parallel;
  [[nodiscard]] Split plan(const Context&) const { return split(16, 1); }
  [[nodiscard]] int compute(Range chunk, const Context& context) const {
    if (chunk.first == 5 && trouble == Trouble::chunk) throw std::runtime_error("bad chunk");
    if (chunk.first == 5 && trouble == Trouble::input) throw BadInput("file", 3, "bad input");
    if (chunk.first == 5 && trouble == Trouble::stop) {
      stop = true;
      if (context.stop_requested()) throw std::runtime_error("stopped");
    }
    return 1;
  }
  void reduce(int& left, int right) const {
    if (trouble == Trouble::reduce) throw std::logic_error("bad merge");
    left += right;
  }
  void finish(int, Output&) const {}
};

template <class Job>
class TeamTest : public ::testing::Test {
 protected:
  // Gives [0, 16) to the team and waits for it; closes when all is computed or a chunk was left.
  void run(Trouble with, int threads = 2) {
    trouble = with;
    stop = false;
    job.plan(Context(facts));
    facts.threads = threads;
    facts.stop = &stop;
    workload = std::make_unique<Workload>(job, Costs(), threads, clock);
    workload->on_change = [this] {
      const auto demand = workload->demand();
      if (stop) workload->trim(0);
      if (demand.ready_chunks == 0 && demand.running == 0) workload->close();
    };
    workload->add({0, 16}, 1);
    run_team(*workload, job, facts);
  }

  Adapter<Job> job;
  RunFacts facts;
  SteadyClock clock;
  std::unique_ptr<Workload> workload;
};
using Jobs = ::testing::Types<Troubled<false>, Troubled<true>>;
TYPED_TEST_SUITE(TeamTest, Jobs);

TYPED_TEST(TeamTest, ComputesAndMergesAll) {
  this->run(Trouble::none);
  const auto taken = this->workload->collect();
  ASSERT_EQ(taken.nodes.size(), 1U);
  EXPECT_EQ(taken.nodes.front().first, (Node{4, 0}));
  EXPECT_EQ(taken.work.computed, 16U);
}

TYPED_TEST(TeamTest, AChunkThatThrowsIsAFailureAndTheOthersGoOn) {
  this->run(Trouble::chunk);
  ASSERT_TRUE(this->workload->next_failure());
  EXPECT_EQ(this->workload->next_failure()->chunk, 5U);
  std::uint64_t chunks = 0;
  for (const auto& [node, partial] : this->workload->collect().nodes) chunks += node.size();
  EXPECT_EQ(chunks, 15U);
}

TYPED_TEST(TeamTest, BadInputEndsTheTeam) { EXPECT_THROW(this->run(Trouble::input), BadInput); }

TYPED_TEST(TeamTest, AReduceThatThrowsEndsTheTeamInsteadOfLosingItsChunks) {
  EXPECT_THROW(this->run(Trouble::reduce), std::logic_error);
}

TYPED_TEST(TeamTest, AStopKeepsWhatWasComputedAndHoldsTheRest) {
  this->run(Trouble::stop, 1);
  EXPECT_FALSE(this->workload->next_failure());
  RangeSet computed;
  const auto taken = this->workload->collect();
  for (const auto& [node, partial] : taken.nodes) computed.add(node.range());
  EXPECT_THAT(computed.ranges(), ElementsAre(Range{0, 5}));
  EXPECT_EQ(taken.work.computed, 5U);
}

}  // namespace
}  // namespace stint
