// SPDX-License-Identifier: Apache-2.0
// The ranks of one `srun` as Slurm's variables tell them, where the step brings no PMIx and so no MPI. Looks at the
// environment alone; called by world.cpp, and by `run` to name the world.
#pragma once

#include <optional>
#include <string>

namespace stint::mpi {

struct SlurmStep {
  int rank = 0;
  int size = 1;
  int rank_here = 0;   ///< on this node
  int ranks_here = 1;
  int nodes = 1;
  std::string name;    ///< of the world: known to all its ranks, and never given to another
};

/// None: this is no task of a step of several. A batch script, an interactive step and a shell under `srun --pty` are
/// none, nor is what mpirun started.
std::optional<SlurmStep> slurm_step();

/// Whether this process stands in a terminal that `srun --pty` made: whatever the step says, it is no rank.
bool in_slurm_terminal();

}  // namespace stint::mpi
