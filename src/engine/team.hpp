// SPDX-License-Identifier: Apache-2.0
// The OpenMP team of a rank: one parallel region for the whole session, in which each thread takes the next block as it
// gets free, so there is no barrier between chunks. A job whose chunks are parallel inside gets them one after another
// and the threads for itself; a job with side effects gets plain threads, since variables of OpenMP are then for the
// programs that it starts. These threads never touch the blackboard or MPI; exceptions are carried out.
#pragma once

#include <stint/detail/any_job.hpp>

#include "engine/workload.hpp"

namespace stint {

/// Computes until the workload is closed. Throws what a job throws for the whole run (BadInput), after closing it, and
/// Error where there are not so many threads to be had.
void run_team(Workload& workload, const AnyJob& job, const RunFacts& facts);

}  // namespace stint
