// SPDX-License-Identifier: Apache-2.0
// Whole workers with all their threads, several in one process, on one fake server: the one place where the locks of
// the engine meet each other. Meant for the thread sanitizer above all.
#include "support/simulated_worker.hpp"

#include "codec/run_codec.hpp"
#include "engine/worker.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <list>
#include <thread>
#include <vector>

namespace stint {
namespace {

constexpr std::uint64_t chunks = 400;

struct Crew {
  Crew(support::SimulatedRun& of, int count, int first = 0, double lease = 0.5) : run(of) {
    for (int rank = first; rank < first + count; ++rank) {
      auto& session = sessions.emplace_back();
      threads.emplace_back([this, &session, rank, lease] {
        const auto job = support::trace_job(run.arguments);
        SteadyClock clock;
        WorkerSetup setup;
        setup.job = job.get();
        setup.facts.threads = 3;
        setup.facts.worker = "host/" + std::to_string(rank) + ".test";
        setup.here.host = "host";
        setup.here.rank = rank;
        setup.board = test_support::maker_of(run.server, "r");
        setup.clock = &clock;
        setup.slot = rank;
        setup.leads = rank == 0;
        setup.crash_report = false;
        setup.courier.commit_seconds = 0.005;
        setup.courier.lease = lease;
        setup.courier.grace = 0.1;
        setup.leader_lost = [this] { return leader_lost.load(); };
        setup.reducer.fold_seconds = 0.01;
        setup.render = [this](Partial, const RunState&) { ++rendered; };
        setup.fields = [](const RunState&) { return std::map<std::string, std::string>{}; };
        const auto outcome = work(session, setup);
        finished += outcome.kind == Outcome::Kind::finished ? 1 : 0;
        ended += outcome.kind == Outcome::Kind::ended ? 1 : 0;
        interrupted += outcome.kind == Outcome::Kind::interrupted ? 1 : 0;
      });
    }
  }
  ~Crew() {
    for (auto& thread : threads) thread.join();
  }

  support::SimulatedRun& run;
  std::list<Session> sessions;
  std::atomic<int> finished{0}, ended{0}, interrupted{0}, rendered{0};
  std::atomic<bool> leader_lost{false};
  std::vector<std::thread> threads;
};

class WorkerThreads : public ::testing::Test {
 protected:
  void expect_result() {
    const auto job = support::trace_job(run.arguments);
    const codec::RunCodec codec(*job, "", chunks);
    EXPECT_EQ(archive::decode<std::string>(job->encode(*codec.result(*run.board().result(), chunks))),
              support::traced_without(chunks, {}));
  }
  support::SimulatedRun run{chunks, 3};
};

TEST_F(WorkerThreads, ThreeWorkersOfThreeThreadsGiveTheResult) {
  Crew crew(run, 3);
  for (auto& thread : crew.threads) thread.join();
  crew.threads.clear();
  EXPECT_EQ(crew.finished, 1);
  EXPECT_EQ(crew.ended, 2);
  EXPECT_EQ(crew.rendered, 1);
  expect_result();
}

TEST_F(WorkerThreads, RequestsAndRepliesMayBeLostOnTheWay) {
  for (int i = 0; i < 40; ++i) {
    run.server->lose_next_reply(i % 2 == 0 ? "commit" : "claim");
    run.server->lose_next_request(i % 2 == 0 ? "claim" : "fold");
  }
  Crew crew(run, 3);
  for (auto& thread : crew.threads) thread.join();
  crew.threads.clear();
  EXPECT_EQ(crew.finished, 1);
  expect_result();
}

// The bound of these waits, two leases, is longer than ctest lets this program run.
constexpr double long_lease = 600;

TEST_F(WorkerThreads, AWorkerThatComesLateSeesThatTheRunHasEnded) {
  { Crew first(run, 1); }
  Crew late(run, 2, 1, long_lease);
  for (auto& thread : late.threads) thread.join();
  late.threads.clear();
  EXPECT_EQ(late.ended, 2);
}

TEST_F(WorkerThreads, NobodyWaitsForALeaderThatIsLost) {
  Crew others(run, 2, 1, long_lease);
  others.leader_lost = true;
  for (auto& thread : others.threads) thread.join();
  others.threads.clear();
  EXPECT_EQ(others.finished, 1);
  expect_result();
}

TEST_F(WorkerThreads, AWorkerThatIsToldToStopNeitherWaitsForALeaderNorForABlackboardThatIsAway) {
  for (const bool away : {false, true}) {
    if (away) run.server->down(true);
    Crew others(run, 2, 1, long_lease);
    for (auto& session : others.sessions) {
      session.drain = true;
      session.courier.notify();
    }
    for (auto& thread : others.threads) thread.join();
    others.threads.clear();
    EXPECT_EQ(others.interrupted, 2) << (away ? "away" : "there");
  }
}

TEST_F(WorkerThreads, WhoIsToldToStopLeavesTheRestToTheOthers) {
  Crew crew(run, 3);
  crew.sessions.back().drain = true;
  crew.sessions.back().courier.notify();
  for (auto& thread : crew.threads) thread.join();
  crew.threads.clear();
  EXPECT_EQ(crew.finished, 1);
  expect_result();
}

}  // namespace
}  // namespace stint
