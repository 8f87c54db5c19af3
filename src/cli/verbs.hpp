// SPDX-License-Identifier: Apache-2.0
// The verbs result, cancel and rerun (without -n). None of them, and none in verbs/, initialises MPI or computes.
#pragma once

#include <stint/main.hpp>

#include "blackboard/blackboard.hpp"
#include "redis/address.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace stint {

/// `options`: `--name value` for the job's result options, such as --top.
/// `partial`: also shows what exists of a run that has not ended; the exit code is then that of an interrupted run.
int show_result(const redis::Address& address, const std::string& run, const std::string& output, bool partial,
                std::span<const JobEntry> jobs, const std::vector<std::string>& options);
/// Throws unless each of `chunks` is a failed chunk, and the run can be rerun.
void refuse_good_chunks(const std::string& run, const RunState& state,
                        const std::map<std::uint64_t, std::string>& failures, const std::vector<Range>& chunks);
int cancel_run(const redis::Address& address, const std::string& run);
/// Queues failed chunks again; the next world that runs the run computes them. Empty `numbers`: all.
int mark_rerun(const redis::Address& address, const std::string& run, const std::vector<Range>& numbers,
               std::span<const JobEntry> jobs);

}  // namespace stint
