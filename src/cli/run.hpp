// SPDX-License-Identifier: Apache-2.0
// The verbs `run` and `rerun`, inside a world (or a world of one): finds the blackboard, makes or finds the run, works
// on it, shows the result.
#pragma once

#include <stint/detail/any_job.hpp>

#include "cli/run_options.hpp"

#include <functional>
#include <string>

namespace stint {

/// A job of this program with its options, as the command line gave them.
struct ChosenJob {
  AnyJob* job = nullptr;
  Options* options = nullptr;
};

/// The job that `run` was told to compute, whatever the name; for `rerun`, the one of that name, which the run tells.
using JobNamed = std::function<ChosenJob(const std::string& name)>;

class LaunchedRank;

/// `begun`: seconds on the steady clock at the entry of main. Returns the exit code of this process.
int run_job(const RunOptions& options, JobNamed job, double begun, LaunchedRank& launched);

}  // namespace stint
