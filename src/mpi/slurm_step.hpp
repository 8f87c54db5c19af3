// SPDX-License-Identifier: Apache-2.0
// The ranks of one `srun` by Slurm's variables, for a step without PMIx and so without MPI. Reads only the
// environment; called by world.cpp, and by `run` to name the world.
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
  std::string name;    ///< of the world: known to all its ranks, and never used again
};

/// None: this process is not a task of a step with several tasks. A batch script, an interactive step and a shell under
/// `srun --pty` are not tasks; neither are processes that mpirun started.
std::optional<SlurmStep> slurm_step();

/// Whether this process runs in a terminal that `srun --pty` made: it is then not a rank, whatever the step's variables say.
bool in_slurm_terminal();

}  // namespace stint::mpi
