// SPDX-License-Identifier: Apache-2.0
// What is stored of a run on the blackboard, for people: the result of a run that has ended, finished again each time, or
// the parts of one that has not. Used by the verbs, and by `run` if the run has already ended.
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

/// The state of a run in the list of runs. Throws Error(usage) if the run is gone.
RunState present_state(Blackboard& board, const std::string& run);

/// The board's JSON of failed chunks, in the form for jobs.
std::vector<FailedChunk> failed_chunks(const std::map<std::uint64_t, std::string>& failures);

/// The merged partial of a run that has ended; null: all its chunks failed. Throws Error(damaged).
Partial stored_result(const AnyJob& job, Blackboard& board, const RunState& state, const std::string& run);

/// Finishes the stored result of the run `facts.run` with the job's present options and makes it visible. A run whose
/// chunks all failed has an empty result, and shows nothing. `following`: the job has shown a part already, and
/// shows the rest. Throws Error(damaged).
void show_stored_result(AnyJob& job, Blackboard& board, const RunState& state, const RunFacts& facts,
                        ResultOutput& output, bool following = false);

/// The partials of a run that has not ended. Throws Error(damaged).
std::vector<std::pair<Range, Partial>> stored_parts(const AnyJob& job, Blackboard& board, const RunState& state,
                                                    const std::string& run);

/// The partial that covers this chunk; null: none does. Throws Error(damaged).
Partial stored_part(const AnyJob& job, Blackboard& board, const RunState& state, const std::string& run, std::uint64_t chunk);

/// Shows the partials of such a run by a job that follows. `following`: as above.
void show_stored_parts(AnyJob& job, Blackboard& board, const RunState& state, const RunFacts& facts,
                       ResultOutput& output, bool following = false);

/// The codec for the run's values, which are bound to its identity and to the chunks of its plan.
codec::RunCodec codec_of(const AnyJob& job, const RunState& state);

/// Gives the job the plan of the run. Throws Error(damaged), also if the plan has another number of chunks than the run.
void adopt_stored_plan(AnyJob& job, Blackboard& board, const RunState& state, const std::string& run);

}  // namespace stint
