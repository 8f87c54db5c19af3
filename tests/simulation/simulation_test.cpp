// SPDX-License-Identifier: Apache-2.0
// Random runs: a seed chooses the run, its workers, the order of their steps, and the faults: lost and late requests,
// lost replies, pauses beyond the lease, deaths, newcomers, drains, slow workers, chunks that fail or kill, damaged
// nodes, few places for nodes, cancelled runs, and a server that loses its last second. A seed plays the same each
// time.
//
//   STINT_SIMULATIONS=1000 …        so many seeds on Redis
//   STINT_SIMULATION_SEED=7 …       this one alone, on the board named by the test, with its story on stdout
#include "simulation/simulation.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>

namespace stint::test_support {
namespace {

struct Troubles {
  bool lost = false, late = false, pauses = false, deaths = false, damage = false, failures = false, narrow = false,
       slow = false, poison = false, roll_backs = false, cancels = false;
};
constexpr Troubles all_troubles{true, true, true, true, true, true, true, true, true, true, true};

/// What happened in all seeds of a test: so that a test which no longer tests anything is seen.
struct Happened {
  std::uint64_t reaped = 0, rejoined = 0, again = 0, steals = 0, copies = 0, lifted = 0, rejected = 0, failed = 0,
                folds = 0;
};

class Driver {
 public:
  Driver(std::uint64_t seed, const Troubles& troubles, Boards& boards, std::uint64_t most_workers)
      : troubles_(troubles),
        random_(seed),
        boards_(boards),
        most_workers_(most_workers),
        simulation_(boards, setup(), [this](const Actor& actor, const std::string& step) { return fate(actor, step); }) {
    for (auto count = 1 + below(most_workers); count > 0; --count) add_worker();
  }

  /// Empty: all went well.
  std::string play() {
    for (int steps = 0; steps < 200'000; ++steps) {
      calm_ = steps > 25'000;
      act();
      if (!simulation_.wrong().empty()) return simulation_.wrong();
      if (steps % 64 == 0 && simulation_.over()) {
        const auto state = simulation_.board->state()->state;
        // Three leaders that died while they finished end a run, too.
        if (state != "cancelled" && state != "failed") {
          simulation_.deliver_late(true);
          return simulation_.verdict(troubles_.failures || troubles_.deaths || troubles_.poison || troubles_.pauses);
        }
        // Its user gives the same command again.
        simulation_.board->create(simulation_.spec, false, false);
        saved_ = false;
        add_worker();
      }
    }
    const auto state = *simulation_.board->state();
    return "the run does not end: " + std::to_string(state.done) + " of " + std::to_string(state.chunks) +
           " chunks are done, " + std::to_string(state.failed) + " failed, " + std::to_string(state.workers) + " workers";
  }

  void count(Happened& happened) {
    const auto state = *simulation_.board->state();
    happened.reaped += state.reaped;
    happened.again += state.again;
    happened.steals += state.steals;
    happened.failed += state.failed;
    happened.copies += copies_;
    happened.folds += folds_;
    happened.rejected += rejected_;
    const auto limit = state.fields.find("node_limit");
    happened.lifted += limit != state.fields.end() && std::stoull(limit->second) > simulation_.spec.node_limit ? 1 : 0;
    for (const auto& actor : simulation_.actors) happened.rejoined += actor->worker->joins > 1 ? 1 : 0;
  }
  [[nodiscard]] std::string story() const { return simulation_.story(); }

 private:
  std::uint64_t below(std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random_);
  }
  bool one_in(std::uint64_t count) { return below(count) == 0; }
  double seconds(double mean) { return std::exponential_distribution<>(1 / mean)(random_); }

  Simulation::Setup setup() {
    Simulation::Setup setup;
    const auto most = most_workers_ > 20 ? 2000 : 160;
    setup.chunks = below(4) == 0 ? 1 + below(9) : 1 + below(static_cast<std::uint64_t>(most));
    setup.slots = 1 + below(4);
    if (troubles_.narrow) setup.node_limit = 1 + below(12);
    if (troubles_.failures && one_in(2)) {
      const auto every = 1 + below(20);
      setup.job = {{"every", {std::to_string(every)}},
                   {"failing", {std::to_string(below(every))}},
                   {"until", {std::to_string(1 + below(4))}}};
    }
    if (troubles_.poison && one_in(3)) setup.poison = {below(setup.chunks)};
    setup.commit_seconds = 0.02 * static_cast<double>(1 + below(20));
    setup.may_be_reopened = troubles_.cancels;
    setup.check_each_step = most_workers_ <= 20;
    return setup;
  }

  void add_worker() {
    CourierOptions options;
    options.seed = static_cast<std::uint32_t>(below(1000));
    options.steal = !one_in(5);
    ReducerOptions reducing;
    reducing.fold_seconds = 0.1;
    reducing.fold_nodes = 2 + below(8);
    auto& actor = simulation_.add_worker("host" + std::to_string(below(3)) + "-" + std::to_string(++named_), options,
                                         reducing, static_cast<int>(1 + below(3)));
    if (troubles_.slow && one_in(4)) actor.slowness = 40;
  }

  Fate fate(const Actor&, const std::string& step) {
    folds_ += step == "fold" ? 1 : 0;
    rejected_ += step == "reject" ? 1 : 0;
    if (calm_) return Fate::well;
    if (broken_ > 0) {
      --broken_;
      return Fate::lose_request;
    }
    if (troubles_.lost && one_in(40)) return one_in(2) ? Fate::lose_reply : Fate::lose_request;
    // What comes late of a create or a rerun is its user's doing, not the engine's.
    if (troubles_.late && one_in(80)) return Fate::late;
    if (troubles_.deaths && alive() > 1 && one_in(400)) {
      return std::vector{Fate::die_before, Fate::die_unknowing, Fate::die_knowing}[below(3)];
    }
    return Fate::well;
  }

  std::uint64_t alive() const {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        simulation_.actors, [](const auto& actor) { return !actor->dead && !actor->worker->session.over(); }));
  }
  /// Of those that are alive; there is one.
  Actor& any() {
    auto which = below(alive());
    for (auto& actor : simulation_.actors) {
      if (!actor->dead && !actor->worker->session.over() && which-- == 0) return *actor;
    }
    return *simulation_.actors.back();
  }

  void trouble() {
    if (calm_) {
      simulation_.deliver_late(true);
      for (auto& actor : simulation_.actors) actor->slowness = 1;
      return;
    }
    if (troubles_.deaths && one_in(2000)) any().worker->session.drain = true;
    if (troubles_.deaths && alive() < most_workers_ && one_in(1000)) add_worker();
    if (troubles_.pauses && one_in(400)) any().paused_until = simulation_.clock.now() + seconds(1.5);
    if (troubles_.late && one_in(30)) simulation_.deliver_late(false);
    if (troubles_.cancels && one_in(6000)) simulation_.board->cancel();
    if (troubles_.damage && one_in(100)) boards_.damage(simulation_.spec, below(1000));
    if (troubles_.roll_backs && one_in(200)) {
      if (saved_ && one_in(2)) {
        simulation_.roll_back();
        broken_ = alive();
        saved_ = false;
      } else if (!simulation_.over()) {
        boards_.save();
        saved_ = true;
      }
    }
  }

  void act() {
    simulation_.advance(seconds(most_workers_ > 20 ? 0.0002 : 0.002));
    if (alive() == 0) add_worker();
    trouble();
    if (alive() == 0) return;
    const double now = simulation_.clock.now();
    for (std::size_t i = 0; i < simulation_.actors.size(); ++i) {
      auto& actor = *simulation_.actors[i];
      if (actor.joined && now >= actor.heartbeat_due) simulation_.step(actor, "heartbeat");
    }
    auto& actor = any();
    switch (below(4)) {
      case 0:
        if (now >= actor.courier_due || one_in(4)) simulation_.step(actor, "courier");
        break;
      case 1: simulation_.step(actor, "take"); break;
      case 2:
        if (actor.slowness <= 1 || one_in(static_cast<std::uint64_t>(actor.slowness))) simulation_.step(actor, "end");
        break;
      default: simulation_.step(actor, "reducer");
    }
  }

  const Troubles troubles_;
  std::mt19937_64 random_;
  Boards& boards_;
  const std::uint64_t most_workers_;
  int named_ = 0;
  bool saved_ = false;
  bool calm_ = false;         // no more faults: now it must come to its end
  std::uint64_t broken_ = 0;  // requests that are yet to be lost with their connections
  std::uint64_t copies_ = 0, folds_ = 0, rejected_ = 0;
  Simulation simulation_;
};

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

Happened play(std::uint64_t seeds, const Troubles& troubles, std::unique_ptr<Boards> (*boards)(),
              std::uint64_t most_workers = 5) {
  const auto only = number_from("STINT_SIMULATION_SEED", 0);
  Happened happened;
  for (std::uint64_t seed = only != 0 ? only : 1; seed <= (only != 0 ? only : seeds); ++seed) {
    const auto board = boards();
    Driver driver(seed, troubles, *board, most_workers);
    const auto wrong = driver.play();
    if (only != 0) std::cout << driver.story();
    EXPECT_EQ(wrong, "") << "seed " << seed;
    if (!wrong.empty()) break;
    driver.count(happened);
  }
  return happened;
}

TEST(SimulationOnTheFake, GivesTheResultOfTheRecursionInAnyOrderOfSteps) {
  const auto happened = play(60, {}, fake_boards);
  EXPECT_GT(happened.steals, 10U);
  EXPECT_GT(happened.folds, 10U);
  EXPECT_EQ(happened.again, 0U) << "without troubles nothing is computed twice";
  EXPECT_EQ(happened.reaped, 0U);
}

TEST(SimulationOnTheFake, SurvivesLostRequestsAndReplies) {
  EXPECT_GT(play(60, {.lost = true}, fake_boards).again, 10U);
}

TEST(SimulationOnTheFake, SurvivesWorkersThatPauseBeyondTheirLeaseAndComeBack) {
  const auto happened = play(60, {.pauses = true}, fake_boards);
  EXPECT_GT(happened.reaped, 10U);
  EXPECT_GT(happened.rejoined, 10U);
}

TEST(SimulationOnTheFake, SurvivesDeathsNewcomersAndDrains) {
  EXPECT_GT(play(60, {.deaths = true}, fake_boards).reaped, 10U);
}

TEST(SimulationOnTheFake, ComputesDamagedNodesAgain) {
  EXPECT_GT(play(60, {.damage = true}, fake_boards).rejected, 10U);
}

TEST(SimulationOnTheFake, EndsPartialWithTheChunksThatFailed) {
  EXPECT_GT(play(60, {.failures = true}, fake_boards).failed, 10U);
}

TEST(SimulationOnTheFake, FindsTheChunkThatKillsItsWorkers) {
  EXPECT_GT(play(60, {.poison = true}, fake_boards).failed, 10U);
}

TEST(SimulationOnTheFake, GoesOnWithFewPlacesForNodes) {
  EXPECT_GT(play(60, {.narrow = true}, fake_boards).lifted, 5U);
}

TEST(SimulationOnTheFake, SurvivesAServerThatLosesItsLastSecond) {
  EXPECT_GT(play(60, {.roll_backs = true}, fake_boards).again, 5U);
}

TEST(SimulationOnTheFake, SurvivesAllOfThatTogether) {
  const auto happened = play(200, all_troubles, fake_boards);
  EXPECT_GT(happened.reaped, 50U);
  EXPECT_GT(happened.rejoined, 10U);
  EXPECT_GT(happened.rejected, 20U);
  EXPECT_GT(happened.failed, 20U);
}

TEST(SimulationOnRedis, SurvivesAllTroublesTogether) {
  const auto seeds = number_from("STINT_SIMULATIONS", 60);
  EXPECT_GE(play(seeds, all_troubles, redis_boards).reaped, seeds / 2);
}

TEST(SimulationOnRedis, HundredsOfWorkersShareARun) {
  const auto happened = play(2, {.lost = true, .pauses = true, .deaths = true, .slow = true}, redis_boards, 300);
  EXPECT_GT(happened.steals, 10U);
}

}  // namespace
}  // namespace stint::test_support
