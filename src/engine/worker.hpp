// SPDX-License-Identifier: Apache-2.0
// One rank's work on one run, from joining to the end: the OpenMP team on the calling thread; courier, heartbeat and
// reducer on their own threads, each with its own connection. The file of each name has the details.
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
  std::string identity;   ///< of the run, as on the blackboard: frames are bound to it
  Whereabouts here;
  BlackboardMaker board;
  const Clock* clock = nullptr;
  std::string program;     ///< the version that the run must have
  std::int64_t slot = -1;  ///< the share of the plan to take first; -1: none
  bool leads = true;       ///< false: wait for another rank to join first, and so to lead
  std::function<bool()> leader_lost = [] { return false; };  ///< whether that other rank is known to be gone
  CourierOptions courier;
  ReducerOptions reducer;
  double stall_timeout = 600;    ///< seconds without progress on any rank before this rank ends
  bool chunks_must_end = false;  ///< a chunk counts as progress only when it ends
  bool crash_report = true;  ///< report it if this process crashes, and where; for only one worker of a process
  double patience = 60;    ///< seconds without the blackboard before the rank gives up
  double patience_at_end = 5;  ///< seconds for which a chunk may continue after the session is over
  std::function<void(Partial partial, const RunState& state)> render;
  std::function<std::map<std::string, std::string>(const RunState& state)> fields;
  std::function<void(Range chunks, Hidden& partial)> follow;  ///< see Finisher
  std::function<void(const std::map<std::uint64_t, std::string>& failures)> follow_failures;
  std::function<void()> follow_end;
  std::function<Halted(const RunState& state)> halt;
  /// Called when this rank dies and its death has ended the run as failed: prints that, and returns the exit code.
  std::function<int(const RunState& state)> ended_by_death;
  /// Ends the process at once: a chunk does not end, and its result is not wanted any more.
  std::function<void(const Outcome&)> abandon;
};

/// Works until the run, or this rank's part in it, is over. All errors are in the outcome; none are thrown.
Outcome work(Session& session, const WorkerSetup& setup);

}  // namespace stint
