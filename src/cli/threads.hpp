// SPDX-License-Identifier: Apache-2.0
// Chooses the number of threads of a rank, and warns of odd ones.
#pragma once

#include <string>

namespace stint {

struct Threads {
  int count = 1;
  std::string warning;  ///< one line: cores that stay idle, or too many threads; empty: no problem
};

/// `wanted`: of --threads; 0: OMP_NUM_THREADS, else the cores that the rank may use, divided by the ranks of this host that
/// share them. `openmp`: false for a job that starts programs: variables of OpenMP are then meant for these.
Threads threads_for_rank(int wanted, int ranks_here, bool openmp = true);

}  // namespace stint
