// SPDX-License-Identifier: Apache-2.0
// The files that `run` writes, held against each other and against what it reads.
#pragma once

#include <stint/options.hpp>

#include "cli/run_options.hpp"

namespace stint {

/// Throws Error(usage) when --output, --summary, --log and the files that the job writes itself are one file twice, one that
/// the run reads, or (of the job, which opens it by its name) a file that already is our stdout or another descriptor.
void refuse_shared_paths(const RunOptions& run, const Options& job);

}  // namespace stint
