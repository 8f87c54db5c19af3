// SPDX-License-Identifier: Apache-2.0
// What a run computes, in the form of its command line: its job, the options that differ from their defaults, and its
// words. Reads only the options on the board, none of the user's files.
#pragma once

#include <stint/main.hpp>

#include <span>
#include <string>

namespace stint {

/// `options`: as RunSpec::options. A job that is not one of `jobs` shows all its options. Words are quoted for a shell.
std::string what_ran(const std::string& job, const std::string& options, std::span<const JobEntry> jobs);

}  // namespace stint
