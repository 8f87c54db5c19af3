// SPDX-License-Identifier: Apache-2.0
// The engine's decisions as pure functions of plain values: when to claim, how much, how long to wait. lua/claim.lua,
// where the load is known, decides the share of a steal and how claims shrink towards the end of a run.
#pragma once

#include <cstdint>

namespace stint::policy {

/// The work that a rank has claimed. Seconds are wall seconds of the whole rank.
struct Demand {
  int threads = 1;
  int running = 0;                 ///< threads that compute a block
  std::uint64_t ready_chunks = 0;  ///< claimed, not started
  double ready_seconds = 0;
  double chunk_seconds = 0;        ///< of one thread for one chunk; 0: not known yet
};

/// Seconds of claimed work to keep in stock, so that no thread waits for a round trip of `round_trip` seconds.
double ahead_seconds(double round_trip);

/// Whether to claim now. Long chunks, compared with a round trip, are claimed when a thread is idle: a chunk claimed ahead
/// could not be stolen. Short ones are claimed while others compute.
bool should_claim(const Demand& demand, double round_trip);

/// Seconds of work in one claim: 0.2, growing with the workers up to 10, so that all together claim 1,250 times a second.
double claim_seconds(std::uint64_t workers);

/// Seconds for which results are held: `wished`, and with more than 1,250 workers longer, in proportion to claims.
double commit_seconds(double wished, std::uint64_t workers);

/// Maximum of nodes on the board. Each rank of the first world may have some that wait for the nodes of a neighbour.
std::uint64_t node_limit(std::uint64_t slots);

/// Seconds of silence after which a worker is given up: `wished`, but at least 3 ms a worker (with a lease of 10 s: from 3,300
/// workers on), so that all together send at most some thousand heartbeats a second.
double lease_seconds(double wished, std::uint64_t workers);

/// Seconds between two heartbeats of a worker: a fifth of the lease, with many workers a third.
double heartbeat_seconds(double lease, std::uint64_t workers);

/// Seconds to the next heartbeat of a worker that has sent `beats` since it joined. The first ones come up to eight times
/// sooner, so that `status` soon shows what it does, and a worker that is killed at once was seen alive.
double next_heartbeat_seconds(double seconds, int beats);
/// Whether the next heartbeat comes sooner.
bool is_early_beat(int beats);

/// The cost to claim. `rate`: seconds of the rank for one unit; 0, not known: returns 0, the minimum. Grows at most eightfold
/// from one claim to the next, since the first chunks may mislead.
double claim_cost(double seconds, double rate, double last_cost);

/// The seconds that a steal must be worth: its round trips, and the time to commit its nodes here and to read them on the
/// leader.
double least_steal_seconds(double round_trip, double node_price);

/// Pause of an idle worker after `misses` claims without a range. Grows, with jitter (`random` in [0, 1)); bounded so that all
/// workers together ask some thousand times a second.
double idle_seconds(int misses, std::uint64_t workers, double random);

/// Pause before the next attempt to reach a blackboard that does not answer. Well below a lease: the first worker to
/// reconnect gives up the others if they need longer than a lease.
double reconnect_seconds(int misses, double lease, double random);

/// Chunks that a thread takes at once: about half a millisecond's worth, but several portions for each thread.
std::uint64_t block_chunks(std::uint64_t ready_chunks, int threads, double chunk_seconds);

/// Seconds for which another worker's claim must have lasted before it is copied; claim.lua also requires twice the longest
/// chunk.
double copy_seconds(double lease);

/// Whether a chunk that starts now is likely to end before `left` seconds have passed.
bool ends_in_time(double chunk_seconds, double left);

/// Seconds until the retry of a failed chunk, by attempt (1, 2, …).
double retry_seconds(int attempt);

}  // namespace stint::policy
