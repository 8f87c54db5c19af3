// SPDX-License-Identifier: Apache-2.0
// The files that the user named for job log, failed commands and results: checked before any command starts.
#pragma once

#include "report.hpp"

namespace stint::commands {

/// Throws BadInput if a path cannot be written. Makes the folder of --results, but changes no existing file; a pipe is
/// opened and stays open. (Options::writes makes sure that the run reads none of them.)
void try_output_paths(const ReportOptions& options);

}  // namespace stint::commands
