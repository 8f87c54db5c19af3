// SPDX-License-Identifier: Apache-2.0
// Whole runs by simulated workers on one clock: couriers, teams, heartbeats and reducers of the engine itself, on the
// fake blackboard or on a real Redis with its real scripts, with faults wherever a driver wants them. After every step
// the rules of 'Truth and hints' are checked; at the end the result must be that of the plain recursion.
#pragma once

#include "simulation/hooked_board.hpp"
#include "support/boards.hpp"
#include "support/simulated_worker.hpp"

#include <functional>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace stint::test_support {

struct Actor {
  std::unique_ptr<support::SimulatedWorker> worker;
  double paused_until = 0;
  double heartbeat_due = 0;
  double courier_due = 0;
  double slowness = 1;   ///< how much longer it takes for a block than others
  bool joined = false;
  bool dead = false;
};

class Simulation final : public support::Stage {
 public:
  struct Setup {
    std::uint64_t chunks = 1;
    std::uint64_t slots = 1;
    std::uint64_t node_limit = 8192;
    std::uint32_t retries = 2;
    double lease = 1;
    double commit_seconds = 0.1;
    support::Arguments job = {};
    std::set<std::uint64_t> poison = {};  ///< chunks that kill whoever begins them
    bool check_each_step = true;
    bool may_be_reopened = false;  ///< then workers of before may find the run gone, and end
  };
  /// What becomes of the next request of this worker.
  using Hook = std::function<Fate(const Actor& actor, const std::string& step)>;

  Simulation(Boards& boards, Setup setup, Hook hook);

  Actor& add_worker(const std::string& name, const CourierOptions& options = {}, const ReducerOptions& reducing = {},
                    int threads = 1);
  /// One thing that the worker does: `what` is courier, take, end, heartbeat or reducer.
  void step(Actor& actor, const std::string& what);
  /// Does one turn of everything that is due, of every worker.
  void turn();
  /// Lets things come that are late: all, or the first.
  void deliver_late(bool all);
  /// The server loses what it got since save(), and all connections break.
  void roll_back();

  /// Empty: all is well so far.
  [[nodiscard]] const std::string& wrong() const { return wrong_; }
  [[nodiscard]] bool over();
  /// Empty: the run has ended and its result is right. `failures`: chunks may have failed.
  std::string verdict(bool failures);
  [[nodiscard]] std::string story() const { return story_.str(); }

  std::unique_ptr<Blackboard> open() override;
  void advance(double seconds) override;

  std::vector<std::unique_ptr<Actor>> actors;
  std::uint64_t requests = 0;  ///< of all workers
  RunSpec spec;
  std::unique_ptr<Blackboard> board;  ///< without faults, for the driver

 private:
  void check(const std::string& what);
  bool takes_poison(const Actor& actor) const;

  Boards& boards_;
  const Setup setup_;
  const Hook hook_;
  std::vector<std::function<void()>> late_;
  Actor* opening_ = nullptr;  // whose handle is being made
  double behind_ = 0;          // seconds that the board's clock is behind ours; it is set before each request
  bool changed_ = false;       // something may have, since the last check
  std::string wrong_;
  std::ostringstream story_;
  std::map<const Actor*, HookedBoard*> hooks_;
};

}  // namespace stint::test_support
