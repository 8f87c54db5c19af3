// SPDX-License-Identifier: Apache-2.0
// The verb `run`, inside a world (or a world of one): finds the blackboard, makes or finds the run, works on it, shows
// the result.
#pragma once

#include <stint/detail/any_job.hpp>

#include "cli/run_options.hpp"

namespace stint {

/// `begun`: seconds on the steady clock at the entry of main. Returns the exit code of this process.
int run_job(const RunOptions& options, AnyJob& job, Options& job_options, double begun);

}  // namespace stint
