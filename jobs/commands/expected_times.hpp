// SPDX-License-Identifier: Apache-2.0
// The time of each command in an earlier run, for --expect.
#pragma once

#include <map>
#include <string>

namespace stint::commands {

/// Command, in the form of a job log → seconds, from a log of Stint's or of GNU parallel's. Throws BadInput with `path`
/// and the line for a time that is not from 0 to 1e9 seconds.
std::map<std::string, double> times_of_joblog(const std::string& text, const std::string& path);

}  // namespace stint::commands
