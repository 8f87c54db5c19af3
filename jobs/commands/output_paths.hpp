// SPDX-License-Identifier: Apache-2.0
// The files that the user named for job log, failed commands and results: tried before any command begins.
#pragma once

#include "report.hpp"

#include <string>
#include <vector>

namespace stint::commands {

/// `read`: words that may be files which this run reads. Throws BadInput when a path cannot be written, or is one of
/// `read`, or when two outputs are the same file. Nothing that is there is changed; a pipe is opened and stays open.
void try_output_paths(const ReportOptions& options, const std::vector<std::string>& read);

}  // namespace stint::commands
