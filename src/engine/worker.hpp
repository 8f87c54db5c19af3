// SPDX-License-Identifier: Apache-2.0
// One rank's work on one run, from joining to the end: the OpenMP team on the calling thread; courier, heartbeat and
// reducer on threads of their own, each with a connection of its own. What each does is in the file of its name.
#pragma once

#include <stint/detail/any_job.hpp>

#include "base/clock.hpp"
#include "blackboard/blackboard.hpp"
#include "engine/courier.hpp"
#include "engine/reducer.hpp"
#include "engine/session.hpp"
#include "engine/whereabouts.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace stint {

struct WorkerSetup {
  AnyJob* job = nullptr;  ///< with options, plan and `prepare` done
  RunFacts facts;         ///< with a worker id
  std::string identity;   ///< of the run, as on the blackboard: values are bound to it
  Whereabouts here;
  BlackboardMaker board;
  const Clock* clock = nullptr;
  std::string program;     ///< version that the run must have
  std::int64_t slot = -1;  ///< share of the plan to take first; -1: none
  bool leads = true;       ///< false: let another rank join first, and with that lead
  std::function<bool()> leader_lost = [] { return false; };  ///< that other rank is known to be gone
  CourierOptions courier;
  ReducerOptions reducer;
  double stall_timeout = 600;    ///< seconds without progress anywhere before the rank ends
  bool chunks_must_end = false;  ///< a chunk at work is no progress
  bool crash_report = true;  ///< say so when this process crashes, and in what; for one worker of a process
  double patience = 60;    ///< seconds without the blackboard before the rank gives up
  double patience_at_end = 5;  ///< seconds that a chunk may go on after the session is over
  std::function<void(Partial partial, const RunState& state)> render;
  std::function<std::map<std::string, std::string>(const RunState& state)> fields;
  std::function<void(Range chunks, Hidden& partial)> follow;  ///< see Finisher
  std::function<void(const std::map<std::uint64_t, std::string>& failures)> follow_failures;
  std::function<void()> follow_end;
  std::function<Halted(const RunState& state)> halt;
  /// This rank dies, and with that the run has ended as failed: says so, and returns the process's exit code.
  std::function<int(const RunState& state)> ended_by_death;
  /// Ends the process at once: a chunk does not come to its end, and nobody needs it any more.
  std::function<void(const Outcome&)> abandon;
};

/// Works until the run or this rank's part in it is over. Everything that goes wrong is in the outcome.
Outcome work(Session& session, const WorkerSetup& setup);

}  // namespace stint
