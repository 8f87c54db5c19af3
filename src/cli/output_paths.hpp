// SPDX-License-Identifier: Apache-2.0
// Compares the files that `run` writes with each other and with the files that it reads.
#pragma once

#include <stint/options.hpp>

#include "cli/run_options.hpp"

namespace stint {

/// Throws Error(usage) if --output, --summary, --log and the job's own output files name one file twice, one that
/// the run reads, or (for a job's file, which is opened by name) one that already is this process's stdout or another descriptor.
void refuse_shared_paths(const RunOptions& run, const Options& job);

}  // namespace stint
