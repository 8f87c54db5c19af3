// SPDX-License-Identifier: Apache-2.0
// How long each command took in an earlier run, for --expect.
#pragma once

#include <map>
#include <string>

namespace stint::commands {

/// Command, as a job log shows it → seconds, from a log of ours or of GNU parallel. Throws BadInput, which names `path`
/// and the line, for a time that is not from 0 to 1e9 seconds.
std::map<std::string, double> times_of_joblog(const std::string& text, const std::string& path);

}  // namespace stint::commands
