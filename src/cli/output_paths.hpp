// SPDX-License-Identifier: Apache-2.0
// The files that `run` writes, held against each other and against what it reads.
#pragma once

#include <stint/options.hpp>

#include "cli/run_options.hpp"

namespace stint {

/// Throws Error(usage) when --output, --summary and --log name a file twice, or one that the job reads.
void refuse_shared_paths(const RunOptions& run, const Options& job);

}  // namespace stint
