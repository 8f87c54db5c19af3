// SPDX-License-Identifier: Apache-2.0
// Many ranks of one run on virtual time: each with the courier, workload, heartbeat and reducer that a real one has,
// but without threads. A queue of events says who is due next; a chunk takes as long as the setup says. Called by
// simulate.cpp.
#pragma once

#include "scaling/virtual_server.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace stint::scaling {

struct Setup {
  int ranks = 100;
  int threads = 1;              ///< of each rank
  std::vector<double> seconds;  ///< of each chunk
  bool weights = false;         ///< the plan knows them
  std::vector<double> deaths;   ///< by rank: when it dies; below 0: never
  double lease = 10;            ///< seconds
  double start = 0;             ///< ranks start at random within so many seconds
  std::uint32_t seed = 1;
};

struct Report {
  double makespan = 0;      ///< from the start of the first rank until the result is stored
  double rank_seconds = 0;  ///< of all ranks from 0 to the end, or to their death, by thread
  std::uint64_t events = 0;
  std::uint64_t steals = 0, copies = 0, again = 0, reaped = 0;
  std::uint64_t vain_claims = 0;
  std::vector<float> claim_waits;  ///< seconds from asking for work to the answer, sorted
  double idle_at_start = 0;        ///< thread-seconds before a thread's first chunk
  double idle_at_end = 0;          ///< thread-seconds after its last
};

/// Makes the run and works on it until its result is stored. Throws std::runtime_error when it does not end, or its
/// result is wrong.
Report simulate(const Setup& setup, VirtualServer& server, VirtualClock& clock);

}  // namespace stint::scaling
