// SPDX-License-Identifier: Apache-2.0
// How Stint scales, by simulation: the engine's own couriers, heartbeats and reducer and the real scripts on a real
// Redis, with ranks and chunks on virtual time. Prints one JSON line. docs/scaling.md says what it shows; run by a
// person, and with few ranks by ctest.
#include "scaling/crowd.hpp"
#include "support/redis_server.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <numeric>
#include <random>
#include <string>

namespace {

using namespace stint;

// By chunk, with the given mean. `lognormal`: sigma 1, so that one of 1,000 takes 14 times the mean.
std::vector<double> chunk_seconds(const std::string& kind, std::uint64_t chunks, double mean, std::uint32_t seed) {
  std::vector<double> seconds(chunks, mean);
  if (kind == "lognormal") {
    std::mt19937_64 random(seed);
    std::lognormal_distribution<> draw(-0.5, 1);
    for (auto& each : seconds) each = mean * draw(random);
  }
  return seconds;
}

double rounded(double value) { return std::round(value * 1e4) / 1e4; }

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Simulates many ranks of one run on virtual time, with the real engine and a real Redis");
  scaling::Setup setup;
  std::string kind = "equal";
  std::uint64_t chunks_a_rank = 100;
  double mean = 1, deaths = 0, network = 100e-6, least = 0;
  bool lose_leader = false, as_measured = false;
  app.add_option("--ranks", setup.ranks, "ranks")->check(CLI::Range(1, 1'000'000));
  app.add_option("--threads", setup.threads, "threads of each rank")->check(CLI::Range(1, 1024));
  app.add_option("--chunks", chunks_a_rank, "chunks for each thread");
  app.add_option("--seconds", mean, "mean seconds of a chunk");
  app.add_option("--times", kind, "equal, or lognormal (heavy-tailed)")->check(CLI::IsMember({"equal", "lognormal"}));
  app.add_flag("--longest-first", setup.weights, "the plan knows the times, and puts the longest first");
  app.add_option("--deaths", deaths, "share of the ranks that die, in the first four fifths of the run");
  app.add_flag("--lose-leader", lose_leader, "rank 0 dies in the middle of the run");
  app.add_option("--lease", setup.lease, "seconds");
  app.add_option("--start", setup.start, "ranks start within so many seconds, at random");
  app.add_option("--network", network, "seconds of a round trip without the server");
  app.add_flag("--as-measured", as_measured,
               "charge the server's requests what they took on this machine, disturbed or not");
  app.add_option("--seed", setup.seed, "seed of everything that is drawn");
  app.add_option("--at-least", least, "exit code 1 if the efficiency is lower");
  CLI11_PARSE(app, argc, argv);

  setup.seconds =
      chunk_seconds(kind, chunks_a_rank * static_cast<std::uint64_t>(setup.ranks * setup.threads), mean, setup.seed);
  if (setup.weights) std::ranges::sort(setup.seconds, std::greater<>());
  const double total = std::accumulate(setup.seconds.begin(), setup.seconds.end(), 0.0);
  const double even = total / setup.ranks / setup.threads;
  std::mt19937_64 random(setup.seed);
  std::uniform_real_distribution<> draw(0, 1);
  for (int rank = 0; rank < setup.ranks; ++rank) {
    const bool dies = rank > 0 && draw(random) < deaths;  // rank 0 only when asked for
    setup.deaths.push_back(dies ? 0.8 * even * draw(random) : -1);
  }
  if (lose_leader) setup.deaths[0] = even / 2;

  try {
    const auto begun = std::chrono::steady_clock::now();
    test_support::RedisServer redis(
        {"--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"});
    scaling::VirtualClock clock;
    scaling::VirtualServer server(redis.address(), redis.pid(), "run", clock, network, as_measured);
    const auto report = scaling::simulate(setup, server, clock);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;

    nlohmann::ordered_json calls;
    double service = 0, measured = 0;
    for (const auto& [step, tally] : server.tallies()) {
      const auto count = static_cast<double>(tally.calls);
      service += tally.service;
      measured += tally.measured;
      calls[step] = {{"calls", tally.calls},
                     {"us", std::round(tally.service / count * 1e7) / 10},
                     {"longest_us", std::round(tally.longest * 1e6)},
                     {"measured_us", std::round(tally.measured / count * 1e7) / 10},
                     {"queued_us", std::round(tally.wait / count * 1e6)},
                     {"share", rounded(tally.service / report.makespan)}};
    }
    const auto& waits = report.claim_waits;
    const auto wait_at = [&](double part) {
      return waits.empty() ? 0 : rounded(waits[static_cast<std::size_t>(part * static_cast<double>(waits.size() - 1))]);
    };
    const auto chunks = static_cast<double>(setup.seconds.size());
    const double efficiency = total / report.rank_seconds;
    auto busy = server.busy_by_second();
    std::ranges::sort(busy);
    const nlohmann::ordered_json line{
        {"ranks", setup.ranks},
        {"threads", setup.threads},
        {"chunks", setup.seconds.size()},
        {"times", kind},
        {"weights", setup.weights},
        {"efficiency", rounded(efficiency)},
        {"makespan", rounded(report.makespan)},
        {"even_share", rounded(even)},
        {"longest_chunk", rounded(*std::ranges::max_element(setup.seconds))},
        {"idle_at_start", rounded(report.idle_at_start / report.rank_seconds)},
        {"idle_at_end", rounded(report.idle_at_end / report.rank_seconds)},
        {"trips_a_second", std::round(static_cast<double>(server.round_trips()) / report.makespan)},
        {"redis_share", rounded(service / report.makespan)},
        {"redis_share_measured", rounded(measured / report.makespan)},
        {"redis_share_median_second", rounded(busy[busy.size() / 2])},
        {"redis_share_worst_second", rounded(busy.back())},
        {"steals_a_chunk", static_cast<double>(report.steals) / chunks},
        {"copies", report.copies},
        {"vain_claims", report.vain_claims},
        {"died", std::ranges::count_if(setup.deaths, [](double when) { return when >= 0; })},
        {"reaped", report.reaped},
        {"computed_again", report.again},
        {"claim_wait_median", wait_at(0.5)},
        {"claim_wait_p99", wait_at(0.99)},
        {"claim_wait_max", wait_at(1)},
        {"calls", calls},
        {"events", report.events},
        {"real_seconds", rounded(took.count())}};
    std::printf("%s\n", line.dump().c_str());
    if (efficiency >= least) return 0;
    std::fprintf(stderr, "simulate: efficiency %.3f is below %.3f (--at-least)\n", efficiency, least);
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "simulate: %s\n", error.what());
    return 70;
  }
}
