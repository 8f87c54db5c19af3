// SPDX-License-Identifier: Apache-2.0
// The OpenMP team of a rank: one parallel region for the whole session. Each free thread takes the next block, so there is
// no barrier between chunks. A job whose chunks are parallel inside gets them one after another, and all threads. A job
// with side effects gets plain threads: variables of OpenMP are then meant for the programs that it
// starts. These threads never touch the blackboard or MPI; exceptions reach the caller.
#pragma once

#include <stint/detail/any_job.hpp>

#include "engine/workload.hpp"

namespace stint {

/// Computes until the workload is closed. Closes it and throws if the job throws for the whole run (BadInput), or, as
/// Error, if the system cannot start the threads.
void run_team(Workload& workload, const AnyJob& job, const RunFacts& facts);

}  // namespace stint
