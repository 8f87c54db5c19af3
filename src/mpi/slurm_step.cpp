// SPDX-License-Identifier: Apache-2.0
#include "mpi/slurm_step.hpp"

#include "base/environment.hpp"

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace stint::mpi {
namespace {

// Step numbers from here on are not steps of tasks, but batch scripts, interactive steps and the like.
constexpr long long first_reserved_step = 0xfffffff0;

// The number of tasks of node `node` in a list such as `4(x2),3`; 1 if it cannot be read.
int tasks_of_node(const std::string& list, int node) {
  std::istringstream entries(list);
  for (std::string entry; std::getline(entries, entry, ',');) {
    const auto times = entry.find("(x");
    node -= times == entry.npos ? 1 : std::max(1, std::atoi(entry.c_str() + times + 2));
    if (node < 0) return std::max(1, std::atoi(entry.c_str()));
  }
  return 1;
}

}  // namespace

bool in_slurm_terminal() { return !environment("SLURM_PTY_PORT").empty() && environment("OMPI_COMM_WORLD_SIZE").empty(); }

std::optional<SlurmStep> slurm_step() {
  const auto step = environment("SLURM_STEP_ID");
  if (step.empty() || std::atoll(step.c_str()) >= first_reserved_step) return std::nullopt;
  if (in_slurm_terminal() || !environment("OMPI_COMM_WORLD_SIZE").empty()) return std::nullopt;
  const auto tasks = environment("SLURM_STEP_NUM_TASKS");
  SlurmStep world;
  world.rank = std::atoi(environment("SLURM_PROCID").c_str());
  world.size = std::atoi((tasks.empty() ? environment("SLURM_NTASKS") : tasks).c_str());
  if (world.size < 2) return std::nullopt;
  world.nodes = std::max(1, std::atoi(environment("SLURM_STEP_NUM_NODES").c_str()));
  world.rank_here = std::atoi(environment("SLURM_LOCALID").c_str());
  world.ranks_here = tasks_of_node(environment("SLURM_STEP_TASKS_PER_NODE"), std::atoi(environment("SLURM_NODEID").c_str()));
  // The steps of a requeued job are counted from 0 again.
  const auto restarts = environment("SLURM_RESTART_COUNT");
  world.name = "slurm-" + environment("SLURM_CLUSTER_NAME") + "-" + environment("SLURM_JOB_ID") + "." + step + "." +
               (restarts.empty() ? "0" : restarts);
  return world;
}

}  // namespace stint::mpi
