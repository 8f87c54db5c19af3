// SPDX-License-Identifier: Apache-2.0
// The files that the user named for job log, failed commands and results: tried before any command begins.
#pragma once

#include "report.hpp"

namespace stint::commands {

/// Throws BadInput when a path cannot be written. Nothing that is there is changed; a pipe is opened and stays open. (That none
/// of them is what the run reads is looked after by Options::writes.)
void try_output_paths(const ReportOptions& options);

}  // namespace stint::commands
