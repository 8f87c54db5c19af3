// SPDX-License-Identifier: Apache-2.0
// Whole runs by simulated workers under one clock, in an order that a seed gives, with lost requests and replies,
// pauses beyond the lease, deaths, newcomers, workers that are told to stop, chunks that fail, damaged nodes, and few
// places for nodes. Each run must end, and its result must be that of the plain recursion.
#include "support/simulated_worker.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace stint {
namespace {

using support::SimulatedRun;
using support::SimulatedWorker;
using testing::FakeRun;

constexpr double lease = 1;

struct Troubles {
  bool lost = false, pauses = false, deaths = false, damage = false, failures = false, narrow = false;
};

// What happened in all seeds of a test: so that a test which no longer tests anything is seen.
struct Happened {
  std::uint64_t reaped = 0, rejoined = 0, again = 0, steals = 0, folds = 0, lifted = 0, rejected = 0, failed = 0;
};

// What must hold at every moment; empty: it does.
std::string broken_rule(const FakeRun& run) {
  std::vector<int> covered(run.spec.chunks), named(run.spec.chunks);
  const auto name = [&](Range range) {
    for (auto chunk = range.first; chunk < range.last; ++chunk) named[chunk] += 1;
  };
  for (const auto& [node, frame] : run.nodes) {
    for (auto chunk = node.first(); chunk < node.last(); ++chunk) covered.at(chunk) += 1;
  }
  for (const auto& [id, worker] : run.workers) {
    for (auto range : worker.held) name(range);
    for (auto range : worker.queue) name(range);
  }
  for (auto range : run.pool) name(range);
  for (const auto& [chunk, due] : run.delayed) named[chunk] += 1;
  for (const auto& [first, suspect] : run.suspects) {
    if (suspect.holder.empty()) name({first, suspect.last});
  }
  for (std::uint64_t slot = 0; slot < run.slots.size(); ++slot) {
    if (run.slots[slot]) continue;
    for (auto range : run.slot_ranges(slot)) name(range);
  }
  for (std::uint64_t chunk = 0; chunk < run.spec.chunks; ++chunk) {
    const auto text = "chunk " + std::to_string(chunk);
    if (covered[chunk] != (run.done[chunk] ? 1 : 0)) {
      return text + " is in " + std::to_string(covered[chunk]) + " nodes";
    }
    if (!run.done[chunk] && named[chunk] == 0 && !run.failures.contains(chunk)) return text + " is lost";
  }
  return "";
}

class Simulation {
 public:
  Simulation(std::uint64_t seed, const Troubles& troubles)
      : troubles_(troubles),
        random_(seed),
        chunks_(below(4) == 0 ? 1 + below(9) : 1 + below(160)),
        run_(chunks_, 1 + below(4), failing(), [&](RunSpec& spec) {
          if (troubles_.narrow) spec.node_limit = 1 + below(12);
          node_limit_ = spec.node_limit;
          spec.max_failed = 1'000'000;  // nor shall the run end when its first chunks all fail
        }) {
    for (auto count = 1 + below(5); count > 0; --count) add_worker();
  }

  void count(Happened& happened) const {
    run_.with([&](const FakeRun& run) {
      happened.reaped += run.reaped;
      happened.again += run.again;
      happened.steals += run.steals;
      happened.lifted += run.spec.node_limit > node_limit_ ? 1 : 0;
      happened.failed += run.failures.size();
    });
    happened.folds += run_.server->calls("fold");
    happened.rejected += run_.server->calls("reject");
    for (const auto& actor : actors_) happened.rejoined += actor.worker->joins > 1 ? 1 : 0;
  }

  // Empty: all went well.
  std::string play() {
    for (int steps = 0; steps < 200'000; ++steps) {
      act();
      if (!wrong_.empty()) return wrong_;
      const auto state = run_.with([](FakeRun& run) { return run.state; });
      if (state != "running") return verdict(state);
      if (steps % 64 == 0) wrong_ = run_.with(broken_rule);
    }
    return "the run does not end: " + run_.with([](FakeRun& run) {
      return std::to_string(run.done_count) + " of " + std::to_string(run.spec.chunks) + " chunks are done, " +
             std::to_string(run.failures.size()) + " failed, " + std::to_string(run.workers.size()) + " workers";
    });
  }

 private:
  struct Actor {
    std::unique_ptr<SimulatedWorker> worker;
    double paused_until = 0;
    double heartbeat = 0;
    double courier = 0;
    bool joined = false;
  };

  std::uint64_t below(std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random_);
  }
  bool one_in(std::uint64_t count) { return below(count) == 0; }
  double seconds(double mean) { return std::exponential_distribution<>(1 / mean)(random_); }
  support::Arguments failing() {
    if (!troubles_.failures) return {};
    const auto every = 1 + below(20);
    return {{"every", {std::to_string(every)}},
            {"failing", {std::to_string(below(every))}},
            {"until", {std::to_string(1 + below(4))}}};
  }

  void add_worker() {
    CourierOptions options;
    options.lease = lease;
    options.seed = static_cast<std::uint32_t>(below(1000));
    options.commit_seconds = 0.02 * static_cast<double>(1 + below(20));
    options.steal = !one_in(5);
    ReducerOptions reducing;
    reducing.fold_seconds = 0.1;
    reducing.fold_nodes = 2 + below(8);
    actors_.push_back({std::make_unique<SimulatedWorker>(run_, "host" + std::to_string(++named_),
                                                         static_cast<int>(1 + below(3)), options, reducing)});
  }

  template <class Step>
  bool reached(Step step) {
    if (troubles_.lost && one_in(25)) {
      if (one_in(2)) {
        run_.server->lose_next_reply();
      } else {
        run_.server->lose_next_request();
      }
    }
    try {
      step();
      return true;
    } catch (const BoardLost&) {
      return false;
    }
  }

  void trouble() {
    if (troubles_.deaths && actors_.size() > 1 && one_in(800)) {
      actors_.erase(actors_.begin() + static_cast<std::ptrdiff_t>(below(actors_.size())));
    }
    if (troubles_.deaths && one_in(1500)) actors_[below(actors_.size())].worker->session.drain = true;
    if (troubles_.deaths && actors_.size() < 6 && one_in(1000)) add_worker();
    if (troubles_.pauses && one_in(400)) {
      actors_[below(actors_.size())].paused_until = run_.clock.now() + seconds(1.5 * lease);
    }
    if (troubles_.damage && one_in(300)) {
      run_.with([&](FakeRun& run) {
        if (run.nodes.empty()) return;
        const auto node = std::next(run.nodes.begin(), static_cast<std::ptrdiff_t>(below(run.nodes.size())));
        node->second[40] = static_cast<char>(node->second[40] ^ 1);
      });
    }
  }

  void act() {
    run_.advance(seconds(0.002));
    const double now = run_.clock.now();
    trouble();
    std::erase_if(actors_, [&](const Actor& actor) { return actor.worker->session.over(); });
    if (actors_.empty()) add_worker();
    for (auto& actor : actors_) {
      if (!actor.joined || now < actor.paused_until || now < actor.heartbeat) continue;
      actor.heartbeat = now + 0.01;
      if (!reached([&] { actor.heartbeat = now + actor.worker->heartbeat.step(); })) actor.worker->heartbeat.forget();
    }
    auto& actor = actors_[below(actors_.size())];
    auto& worker = *actor.worker;
    if (now < actor.paused_until) return;
    if (!actor.joined) {
      actor.joined = reached([&] { worker.join(static_cast<std::int64_t>(below(6)) - 1); });
      return;
    }
    switch (below(4)) {
      case 0:
        if (now >= actor.courier || one_in(4)) reached([&] { actor.courier = now + worker.courier.step(); });
        break;
      case 1:
        if (worker.running.size() < static_cast<std::size_t>(worker.workload.demand().threads)) worker.take();
        break;
      case 2:
        if (!worker.running.empty()) worker.end_block(below(worker.running.size()));
        break;
      default: reached([&] { worker.reducer.step(); });
    }
    if (const auto outcome = worker.session.outcome(); outcome && outcome->kind == Outcome::Kind::failed) {
      wrong_ = worker.name + " failed: " + outcome->error;
    }
  }

  std::string verdict(const std::string& state) {
    std::set<std::uint64_t> failed;
    for (const auto& [chunk, why] : run_.board().failures()) failed.insert(chunk);
    if (!troubles_.failures && !failed.empty()) return "chunks failed";
    if (state != (failed.empty() ? "done" : "partial")) return "the run is " + state;
    const auto expected = support::traced_without(chunks_, failed);
    const auto frame = run_.board().result();
    if (!frame) return "no result";
    if (expected.empty()) return frame->empty() ? "" : "a result of nothing";
    const auto result = text_of_result(*support::trace_job(run_.arguments), *frame, chunks_ - failed.size());
    if (result != expected) return "the result is " + result + ", not " + expected;
    // Who is left hears of it.
    for (auto& actor : actors_) {
      if (!actor.joined) continue;
      for (int tries = 0; tries < 3 && !actor.worker->session.over(); ++tries) {
        reached([&] { actor.worker->heartbeat.step(); });
        reached([&] { actor.worker->courier.step(); });
      }
    }
    return "";
  }

  const Troubles troubles_;
  std::mt19937_64 random_;
  const std::uint64_t chunks_;
  std::uint64_t node_limit_ = 0;
  SimulatedRun run_;
  std::vector<Actor> actors_;
  int named_ = 0;
  std::string wrong_;
};

Happened play(std::uint64_t seeds, const Troubles& troubles) {
  Happened happened;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Simulation simulation(seed, troubles);
    const auto wrong = simulation.play();
    EXPECT_EQ(wrong, "") << "seed " << seed;
    if (!wrong.empty()) break;
    simulation.count(happened);
  }
  return happened;
}

TEST(EngineRun, GivesTheResultOfTheRecursionInAnyOrderOfSteps) {
  const auto happened = play(60, {});
  EXPECT_GT(happened.steals, 10U);
  EXPECT_GT(happened.folds, 10U);
  EXPECT_EQ(happened.again, 0U) << "without troubles nothing is computed twice";
  EXPECT_EQ(happened.reaped, 0U);
}

TEST(EngineRun, SurvivesLostRequestsAndReplies) { EXPECT_GT(play(60, {.lost = true}).again, 10U); }

TEST(EngineRun, SurvivesWorkersThatPauseBeyondTheirLeaseAndComeBack) {
  const auto happened = play(60, {.pauses = true});
  EXPECT_GT(happened.reaped, 10U);
  EXPECT_GT(happened.rejoined, 10U);
}

TEST(EngineRun, SurvivesDeathsNewcomersAndDrains) { EXPECT_GT(play(60, {.deaths = true}).reaped, 10U); }

TEST(EngineRun, ComputesDamagedNodesAgain) { EXPECT_GT(play(60, {.damage = true}).rejected, 10U); }

TEST(EngineRun, EndsPartialWithTheChunksThatFailed) { EXPECT_GT(play(60, {.failures = true}).failed, 10U); }

TEST(EngineRun, GoesOnWithFewPlacesForNodes) { EXPECT_GT(play(60, {.narrow = true}).lifted, 5U); }

TEST(EngineRun, SurvivesAllOfThatTogether) {
  const auto happened =
      play(150, {.lost = true, .pauses = true, .deaths = true, .damage = true, .failures = true, .narrow = true});
  EXPECT_GT(happened.reaped, 50U);
  EXPECT_GT(happened.rejoined, 10U);
  EXPECT_GT(happened.rejected, 20U);
  EXPECT_GT(happened.failed, 20U);
}

}  // namespace
}  // namespace stint
