// SPDX-License-Identifier: Apache-2.0
// What lies on the blackboard of a run, read for people: the result of one that has ended, finished anew each time, or
// the parts of one that has not. Used by the verbs, and by runs that are found there.
#pragma once

#include <stint/detail/any_job.hpp>

#include "blackboard/blackboard.hpp"
#include "cli/result_output.hpp"
#include "codec/run_codec.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace stint {

/// The state of a run that is in the list of runs. Throws Error(usage) when it is gone.
RunState present_state(Blackboard& board, const std::string& run);

/// What the blackboard keeps of chunks that failed, JSON, as jobs see it.
std::vector<FailedChunk> failed_chunks(const std::map<std::uint64_t, std::string>& failures);

/// The merged partial of a run that has ended; null: all its chunks failed. Throws Error(damaged).
Partial stored_result(const AnyJob& job, Blackboard& board, const RunState& state, const std::string& run);

/// Finishes the stored result of the run `facts.run` with the job's present options and makes it visible. A run whose
/// chunks all failed has an empty result, and shows nothing. `following`: the job has seen some of it already, and
/// shows the rest. Throws Error(damaged).
void show_stored_result(AnyJob& job, Blackboard& board, const RunState& state, const RunFacts& facts,
                        ResultOutput& output, bool following = false);

/// The partials on the blackboard of a run that has not ended. Throws Error(damaged).
std::vector<std::pair<Range, Partial>> stored_parts(const AnyJob& job, Blackboard& board, const RunState& state,
                                                    const std::string& run);

/// The one of them that covers this chunk; null: none does. Throws Error(damaged).
Partial stored_part(const AnyJob& job, Blackboard& board, const RunState& state, const std::string& run, std::uint64_t chunk);

/// Shows what there is of such a run, with a job that follows. `following`: as below.
void show_stored_parts(AnyJob& job, Blackboard& board, const RunState& state, const RunFacts& facts,
                       ResultOutput& output, bool following = false);

/// How the values of the run are written: bound to its identity and to the chunks of its plan.
codec::RunCodec codec_of(const AnyJob& job, const RunState& state);

/// Gives the job the plan of the run. Throws Error(damaged), also where the plan has another number of chunks than the run.
void adopt_stored_plan(AnyJob& job, Blackboard& board, const RunState& state, const std::string& run);

}  // namespace stint
