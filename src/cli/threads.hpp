// SPDX-License-Identifier: Apache-2.0
// How many threads a rank gets, and what is odd about it.
#pragma once

#include <string>

namespace stint {

struct Threads {
  int count = 1;
  std::string warning;  ///< one line: cores that stay idle, or too many threads; empty: all well
};

/// `wanted`: of --threads; 0: OMP_NUM_THREADS, else the cores that the rank may use, divided by the ranks here that
/// share them. `openmp`: false for a job that starts programs, for which variables of OpenMP are meant then.
Threads threads_for_rank(int wanted, int ranks_here, bool openmp = true);

}  // namespace stint
