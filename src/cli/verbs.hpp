// SPDX-License-Identifier: Apache-2.0
// The verbs that look at runs on the blackboard: ls, status, result, rm. None of them initialises MPI or computes.
#pragma once

#include <stint/main.hpp>

#include "redis/address.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace stint {

int list_runs(const redis::Address& address, bool json);
int show_status(const redis::Address& address, const std::string& run, bool json);
/// `options`: `--name value` for the job's result options, such as --top.
int show_result(const redis::Address& address, const std::string& run, const std::string& output,
                std::span<const JobEntry> jobs, const std::vector<std::string>& options);
int remove_run(const redis::Address& address, const std::string& run, bool forced);

}  // namespace stint
