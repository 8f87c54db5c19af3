// SPDX-License-Identifier: Apache-2.0
// A job's Options on the command line.
#pragma once

#include <stint/options.hpp>

#include <CLI/App.hpp>

namespace stint {

/// Adds each entry of `options` (which must outlive `app`) to the parser. `result_only`: just those that change nothing
/// but what `finish` shows.
void add_job_options(CLI::App& app, Options& options, bool result_only = false);

}  // namespace stint
