// SPDX-License-Identifier: Apache-2.0
#include "cli/threads.hpp"

#include <stint/detail/affinity.hpp>

#include "base/environment.hpp"
#include "base/program.hpp"
#include "cli/control_group.hpp"
#include "cli/display.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <omp.h>
#include <sched.h>
#include <unistd.h>

namespace stint {

Threads threads_for_rank(int wanted, int ranks_here, bool openmp) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  const int all = static_cast<int>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  ::sched_getaffinity(0, sizeof mask, &mask);
  // The processors given to the process; with OMP_PROC_BIND set, this thread alone has been bound to one of them by now.
  const int usable = std::max(1, processors_given().value_or(::omp_get_num_procs()));
  // A bound rank has its cores for itself; an unbound one shares them with its neighbours.
  const bool bound = usable < all && ranks_here > 1;
  Threads threads;
  // A container or a batch system stops threads again and again if there are more than it gives processor time to.
  const double share = static_cast<double>(usable) / (bound ? 1 : ranks_here);
  const double quota = group_limits().cores.value_or(usable) / ranks_here;
  threads.count = std::max(1, static_cast<int>(std::min(share, std::ceil(quota))));
  const int asked = std::atoi(environment("OMP_NUM_THREADS").c_str());
  if (wanted > 0) {
    threads.count = wanted;
  } else if (openmp && asked > 0) {
    threads.count = asked;
  }
  const std::string count = std::to_string(threads.count);
  std::string idle;
  for (int core = 0, named = 0; core < all && named < 9; ++core) {
    if (CPU_ISSET(core, &mask)) continue;
    idle += (idle.empty() ? "" : ", ") + (++named < 9 ? std::to_string(core) : "…");
  }
  if (threads.count > usable && usable < all) {
    threads.warning = count + " threads are bound to " + std::to_string(usable) + " of " + std::to_string(all) +
                      " cores here, cores " + idle +
                      " stay idle; use: mpirun --map-by slot:PE=" + count +
                      " (or --bind-to none), or " + typed("run -n " + std::to_string(ranks_here));
  } else if (threads.count * (bound ? 1 : ranks_here) > usable * 4 && threads.count > 4) {
    threads.warning = counted(static_cast<std::uint64_t>(ranks_here), "rank") + " of " + count + " threads share " + std::to_string(usable) +
                      " cores here; --threads " + std::to_string(std::max(1, usable / ranks_here)) + " uses each once";
  }
  return threads;
}

}  // namespace stint
