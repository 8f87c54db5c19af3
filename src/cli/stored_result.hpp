// SPDX-License-Identifier: Apache-2.0
// The result of a run that has ended, as it lies on the blackboard: the merged partial, finished anew each time.
#pragma once

#include <stint/detail/any_job.hpp>

#include "blackboard/blackboard.hpp"
#include "cli/result_output.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace stint {

/// What the blackboard keeps of chunks that failed, JSON, as jobs see it.
std::vector<FailedChunk> failed_chunks(const std::map<std::uint64_t, std::string>& failures);

/// The merged partial of a run that has ended; null: all its chunks failed. Throws Error(damaged).
Partial stored_result(const AnyJob& job, Blackboard& board, const RunState& state, const std::string& run);

/// Finishes the stored result of the run `facts.run` with the job's present options and makes it visible. A run whose chunks all
/// failed has an empty result, and shows nothing. Throws Error(damaged).
void show_stored_result(AnyJob& job, Blackboard& board, const RunState& state, const RunFacts& facts,
                        ResultOutput& output);

/// Gives the job the plan of the run. Throws Error(damaged).
void adopt_stored_plan(AnyJob& job, Blackboard& board, const RunState& state, const std::string& run);

}  // namespace stint
