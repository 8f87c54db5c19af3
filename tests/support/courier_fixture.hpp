// SPDX-License-Identifier: Apache-2.0
// One simulated worker and its courier, for the tests of what the courier does.
#pragma once

#include "support/simulated_worker.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

namespace stint::support {

class CourierFixture : public ::testing::Test {
 protected:
  // A run of so many chunks with one worker, which has joined.
  SimulatedWorker& start(std::uint64_t chunks, int threads = 1, const support::Arguments& arguments = {},
                         const std::function<void(RunSpec&)>& change = [](RunSpec&) {}) {
    run = std::make_unique<SimulatedRun>(chunks, 1, arguments, change);
    worker = std::make_unique<SimulatedWorker>(*run, "host", threads, options);
    worker->join(0);
    return *worker;
  }
  double step() { return worker->courier.step(); }
  void lost_step() { EXPECT_THROW(step(), BoardLost); }
  // A thread takes a block, works on it for so long, and ends it.
  void compute(double seconds) {
    ASSERT_TRUE(worker->take());
    run->advance(seconds);
    worker->end_block();
  }
  // The courier does what is due, then a thread computes a chunk of so many seconds if there is one.
  void play_once(double seconds) {
    while (step() <= 0) {}
    if (worker->take()) {
      run->advance(seconds);
      worker->end_block();
    } else {
      run->advance(0.01);
    }
  }
  // Steps until there is something to take.
  void claim() {
    for (int tries = 0; worker->workload.demand().ready_chunks == 0; ++tries) {
      ASSERT_LT(tries, 100);
      if (step() > 0) run->advance(0.02);
    }
  }
  // The rank goes on until its session is over, with chunks of so many seconds.
  void play(double seconds) {
    for (int tries = 0; !worker->session.over(); ++tries) {
      ASSERT_LT(tries, 10'000);
      if (step() > 0) run->advance(0.02);
      if (worker->take()) {
        run->advance(seconds);
        worker->end_block();
      }
      if (state().done + state().failed == state().chunks) return;
    }
  }
  // What the board believes is what the worker holds: nothing leaked, nothing forgotten.
  void expect_claims_are_held() { EXPECT_EQ(support::claims_of(*run, *worker), worker->workload.held()); }
  std::uint64_t calls(const std::string& name) { return run->server->calls(name); }
  RunState state() { return *run->board().state(); }

  CourierOptions options;
  std::unique_ptr<SimulatedRun> run;
  std::unique_ptr<SimulatedWorker> worker;
};

}  // namespace stint::support
