// SPDX-License-Identifier: Apache-2.0
#include "support/environment.hpp"

#include "mpi/slurm_step.hpp"
#include "mpi/world.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace stint::mpi {
namespace {

using support::SlurmVariables;
using Variables = std::map<std::string, std::string>;

const Variables task{{"SLURM_CLUSTER_NAME", "c"},
                     {"SLURM_JOB_ID", "7"},
                     {"SLURM_STEP_ID", "2"},
                     {"SLURM_PROCID", "3"},
                     {"SLURM_STEP_NUM_TASKS", "5"},
                     {"SLURM_NTASKS", "8"},
                     {"SLURM_STEP_TASKS_PER_NODE", "1(x2),3"},
                     {"SLURM_NODEID", "2"}};

Variables with(const std::string& name, const std::string& value) {
  auto variables = task;
  variables[name] = value;
  return variables;
}

TEST(SlurmStep, TellsRankSizeAndNeighbours) {
  const SlurmVariables slurm(task);
  const auto step = slurm_step();
  ASSERT_TRUE(step);
  EXPECT_EQ(step->rank, 3);
  EXPECT_EQ(step->size, 5);
  EXPECT_EQ(step->ranks_here, 3);
  EXPECT_EQ(step->name, "slurm-c-7.2.0");
  EXPECT_TRUE(under_launcher());
  EXPECT_EQ(rank_from_environment(), 3);
}

TEST(SlurmStep, IsAWorldWithoutMpi) {
  const SlurmVariables slurm(task);
  const World world(1);
  EXPECT_EQ(world.rank(), 3);
  EXPECT_EQ(world.size(), 5);
  EXPECT_FALSE(world.speaks());
}

TEST(SlurmStep, HasAnotherNameWhenItsJobWasRequeued) {
  const SlurmVariables slurm(with("SLURM_RESTART_COUNT", "1"));
  EXPECT_EQ(slurm_step()->name, "slurm-c-7.2.1");
}

TEST(SlurmStep, IsNoneInABatchScriptAnInteractiveStepATerminalAndAlone) {
  for (const auto& [name, value] :
       Variables{{"SLURM_STEP_ID", "4294967291"}, {"SLURM_PTY_PORT", "1234"}, {"SLURM_STEP_NUM_TASKS", "1"}}) {
    const SlurmVariables slurm(with(name, value));
    EXPECT_FALSE(slurm_step()) << name;
    EXPECT_FALSE(under_launcher()) << name;
    EXPECT_EQ(rank_from_environment(), 0) << name;
  }
  const SlurmVariables interactive(with("SLURM_STEP_ID", "4294967290"));
  EXPECT_FALSE(slurm_step());
  const SlurmVariables none({});
  EXPECT_FALSE(slurm_step());
}

TEST(SlurmStep, IsMpirunsWhereMpirunStartedTheRank) {
  auto variables = with("OMPI_COMM_WORLD_SIZE", "2");
  variables["OMPI_COMM_WORLD_RANK"] = "1";
  const SlurmVariables slurm(variables);
  EXPECT_FALSE(slurm_step());
  EXPECT_TRUE(under_launcher());
  EXPECT_EQ(rank_from_environment(), 1);
}

TEST(SlurmStep, ATerminalOfAStepWithPmixIsNoWorld) {
  auto variables = with("SLURM_PTY_PORT", "1234");
  variables["PMIX_RANK"] = "0";
  const SlurmVariables slurm(variables);
  EXPECT_FALSE(under_launcher());
}

}  // namespace
}  // namespace stint::mpi
