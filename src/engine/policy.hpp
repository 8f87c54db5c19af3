// SPDX-License-Identifier: Apache-2.0
// The engine's decisions as pure functions of plain values: when to claim, how much, how long to wait. The shares of a
// steal and the shrinking towards the end of a run are decided where the load is known, in lua/claim.lua.
#pragma once

#include <cstdint>

namespace stint::policy {

/// What a rank has in hand. Seconds are wall seconds of the whole rank.
struct Demand {
  int threads = 1;
  int running = 0;                 ///< threads at work on a block
  std::uint64_t ready_chunks = 0;  ///< claimed, not begun
  double ready_seconds = 0;
  double chunk_seconds = 0;        ///< of one thread, for one chunk; 0: not known yet
};

/// Seconds of claimed work to keep ahead, so that a round trip of `round_trip` seconds is never waited for.
double ahead_seconds(double round_trip);

/// Chunks long against a round trip are fetched when a thread is idle: a chunk fetched ahead could not be stolen.
/// Short ones are fetched while others compute.
bool should_claim(const Demand& demand, double round_trip);

/// Seconds of work in one claim: 0.2, and up to 10 as the workers become many: all together claim 1,250 times a second.
double claim_seconds(std::uint64_t workers);

/// Seconds that results are held: as wished, and with more than 1,250 workers as many times longer as claims are.
double commit_seconds(double wished, std::uint64_t workers);

/// Nodes that may lie on the board: of each rank of the first world some that wait for a neighbour's.
std::uint64_t node_limit(std::uint64_t slots);

/// Seconds of silence after which a worker is given up: as wished, and longer with more than 3,300 workers at 10 s, who
/// together renew a thousand times a second.
double lease_seconds(double wished, std::uint64_t workers);

/// Seconds between two heartbeats of a worker: a fifth of the lease, a third where workers are many.
double heartbeat_seconds(double lease, std::uint64_t workers);

/// Seconds from one heartbeat of a worker to the next, `beats` since it joined: the first ones come sooner, up to eight times, so
/// that who looks on soon sees what it does, and one that is killed at once was seen alive.
double next_heartbeat_seconds(double seconds, int beats);
/// Whether that one comes sooner.
bool is_early_beat(int beats);

/// Cost to ask for. `rate`: seconds of the rank for one unit; 0, not known: the least. It grows at most eightfold from
/// one claim to the next, since the first chunks may mislead.
double claim_cost(double seconds, double rate, double last_cost);

/// A steal of less seconds is not worth its round trips, nor the seconds that it takes to commit what it gives, here and
/// by the leader who reads that.
double least_steal_seconds(double round_trip, double node_price);

/// Pause of an idle worker after `misses` claims in vain: grows, with jitter (`random` in [0, 1)), bounded so that all
/// workers together ask some thousand times a second.
double idle_seconds(int misses, std::uint64_t workers, double random);

/// Pause before another attempt to reach a blackboard that does not answer. It stays well below a lease: who is back
/// first gives the others no longer than that to be back, too.
double reconnect_seconds(int misses, double lease, double random);

/// Chunks that a thread takes at once: about half a millisecond's worth, and several portions for each thread.
std::uint64_t block_chunks(std::uint64_t ready_chunks, int threads, double chunk_seconds);

/// Seconds that a claim of another must have lasted before it is copied; the board asks for twice the longest chunk,
/// too.
double copy_seconds(double lease);

/// Whether a chunk that is begun now ends before `left` seconds have passed, as far as one can know.
bool ends_in_time(double chunk_seconds, double left);

/// Seconds until a failed chunk is tried again, by attempt (1, 2, …).
double retry_seconds(int attempt);

}  // namespace stint::policy
