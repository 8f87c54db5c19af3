// SPDX-License-Identifier: Apache-2.0
// The verbs `run` and `rerun`, inside a world (or a world of one): finds the blackboard, makes or finds the run, works
// on it, prints the result.
#pragma once

#include <stint/detail/any_job.hpp>

#include "cli/run_options.hpp"

#include <functional>
#include <string>

namespace stint {

/// A job of this program with its options from the command line.
struct ChosenJob {
  AnyJob* job = nullptr;
  Options* options = nullptr;
};

/// Returns the job to compute: for `run` the one on the command line, whatever `name`; for `rerun` the one with the name that
/// the run has.
using JobNamed = std::function<ChosenJob(const std::string& name)>;

class LaunchedRank;

/// `begun`: seconds on the steady clock at the entry of main. Returns the exit code of this process.
int run_job(const RunOptions& options, JobNamed job, double begun, LaunchedRank& launched);

}  // namespace stint
