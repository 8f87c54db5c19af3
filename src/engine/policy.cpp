// SPDX-License-Identifier: Apache-2.0
#include "engine/policy.hpp"

#include <algorithm>
#include <cmath>

namespace stint::policy {

double ahead_seconds(double round_trip) { return std::clamp(20 * round_trip, 0.002, 0.1); }

bool should_claim(const Demand& demand, double round_trip) {
  if (demand.ready_chunks == 0 && demand.running < demand.threads) return true;
  const double ahead = ahead_seconds(round_trip);
  return demand.chunk_seconds > 0 && demand.chunk_seconds < ahead && demand.ready_seconds < ahead;
}

double claim_seconds(std::uint64_t workers) { return std::clamp(static_cast<double>(workers) / 1250, 0.2, 10.0); }

double commit_seconds(double wished, std::uint64_t workers) { return wished * std::max(1.0, claim_seconds(workers)); }

std::uint64_t node_limit(std::uint64_t slots) { return std::max<std::uint64_t>(8192, 16 * slots); }

double lease_seconds(double wished, std::uint64_t workers) {
  return std::max(wished, 0.003 * static_cast<double>(workers));
}

double heartbeat_seconds(double lease, std::uint64_t workers) {
  return std::max(0.05, lease / std::clamp(15000 / static_cast<double>(std::max<std::uint64_t>(workers, 1)), 3.0, 5.0));
}

bool is_early_beat(int beats) { return beats < 3; }

double next_heartbeat_seconds(double seconds, int beats) {
  return is_early_beat(beats) ? std::max(0.05, std::ldexp(seconds, beats - 3)) : seconds;
}

double claim_cost(double seconds, double rate, double last_cost) {
  if (rate <= 0) return 0;
  const double cost = seconds / rate;
  return last_cost > 0 ? std::min(cost, 8 * last_cost) : cost;
}

double least_steal_seconds(double round_trip, double node_price) { return std::max(4 * round_trip, 2 * node_price); }

double idle_seconds(int misses, std::uint64_t workers, double random) {
  const double bound = std::clamp(static_cast<double>(workers) / 4000, 0.01, 5.0);
  return std::min(bound, 0.001 * std::pow(1.5, std::min(misses, 30))) * (0.5 + random);
}

double reconnect_seconds(int misses, double lease, double random) {
  return std::min({1.0, lease / 5, 0.01 * std::pow(2.0, std::min(misses, 10))}) * (0.5 + random);
}

std::uint64_t block_chunks(std::uint64_t ready_chunks, int threads, double chunk_seconds) {
  if (chunk_seconds <= 0) return 1;
  const double fill = 0.0005 / chunk_seconds;
  const std::uint64_t portion = ready_chunks / (4 * static_cast<std::uint64_t>(threads));
  if (fill <= 1) return 1;
  const auto most = fill < 1e9 ? static_cast<std::uint64_t>(fill) : std::uint64_t{1'000'000'000};
  return std::clamp<std::uint64_t>(most, 1, std::max<std::uint64_t>(portion, 1));
}

double copy_seconds(double lease) { return std::max(2.0, lease / 2); }

bool ends_in_time(double chunk_seconds, double left) { return left > std::max(1.2 * chunk_seconds, 0.5); }

double retry_seconds(int attempt) { return std::min(30.0, 0.1 * std::pow(3.0, std::min(attempt - 1, 10))); }

}  // namespace stint::policy
