// SPDX-License-Identifier: Apache-2.0
#include "support/environment.hpp"
#include "support/simulated_worker.hpp"

#include "engine/heartbeat.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace stint {
namespace {

using support::SimulatedRun;
using support::SimulatedWorker;
using support::SlurmVariables;
using test_support::FakeRun;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double lease = 10;  // and a heartbeat each two seconds, but for the first ones
constexpr int early_beats = 3;

class HeartbeatTest : public ::testing::Test {
 protected:
  HeartbeatTest() {
    for (auto* worker : {&leader, &second, &third}) {
      worker->join(-1);
      for (int i = 0; i < early_beats; ++i) beat(*worker);
      worker->heartbeat.forget();
    }
  }
  void beat(SimulatedWorker& worker) { worker.heartbeat.step(); }
  bool there(const SimulatedWorker& worker) {
    return run.board().workers().contains(worker.session.identity().worker);
  }

  SimulatedRun run{8};
  SimulatedWorker leader{run, "first"}, second{run, "second"}, third{run, "third"};
};

TEST_F(HeartbeatTest, ComesFiveTimesALease) {
  EXPECT_DOUBLE_EQ(leader.heartbeat.step(), 2);
  EXPECT_DOUBLE_EQ(second.heartbeat.step(), 2);
}

TEST_F(HeartbeatTest, TheFirstOnesComeSooner) {
  SimulatedWorker late{run, "late"};
  late.join(-1);
  for (const double seconds : {0.25, 0.5, 1.0, 2.0, 2.0}) EXPECT_DOUBLE_EQ(late.heartbeat.step(), seconds);
  late.join(-1);  // under another name
  EXPECT_DOUBLE_EQ(late.heartbeat.step(), 0.25);
}

TEST_F(HeartbeatTest, TellsWhoLeadsAndHowManyWorkersThereAre) {
  beat(leader);
  beat(third);
  EXPECT_TRUE(leader.session.leading());
  EXPECT_FALSE(third.session.leading());
  EXPECT_EQ(leader.session.progress.workers, 3U);
  EXPECT_EQ(third.session.progress.workers, 3U);
}

TEST_F(HeartbeatTest, TheLeaderGivesUpWhoIsSilentForMoreThanALease) {
  for (double at = 0; at <= lease; at += 2) {
    beat(leader);
    beat(second);
    EXPECT_TRUE(there(third)) << at;
    run.advance(2);
  }
  beat(leader);
  EXPECT_FALSE(there(third));
  EXPECT_TRUE(there(second));
  EXPECT_THAT(leader.said.back(), HasSubstr("lost third.1: silent for a lease"));
  EXPECT_EQ(run.board().state()->reaped, 1U);
}

TEST_F(HeartbeatTest, ALeapOfTheClockReapsNobody) {
  beat(leader);
  run.advance(1000);
  beat(leader);
  run.advance(0.1);
  beat(leader);
  EXPECT_TRUE(there(third)) << "only two heartbeats of our own in that time";
  beat(third);
  run.advance(0.1);
  beat(leader);
  EXPECT_TRUE(there(third));
  EXPECT_FALSE(there(second)) << "who was silent through several of ours is given up";
}

TEST_F(HeartbeatTest, ABrokenConnectionStartsTheWatchAnew) {
  for (int i = 0; i < 5; ++i) {
    beat(leader);
    run.advance(2);
  }
  run.server->lose_next_reply("renew");
  EXPECT_THROW(beat(leader), BoardLost);
  leader.heartbeat.forget();
  for (double at = 0; at <= lease; at += 2) {
    beat(leader);
    EXPECT_TRUE(there(second) && there(third)) << at;
    run.advance(2);
  }
  beat(leader);
  EXPECT_FALSE(there(second) || there(third));
}

TEST_F(HeartbeatTest, WhoBeatsBeforeTheReapComesIsNotLost) {
  for (double at = 0; at <= lease; at += 2) {
    beat(leader);
    run.advance(2);
  }
  beat(third);
  run.server->refuse_next(Refusal::stale, "reap");
  beat(leader);
  EXPECT_TRUE(there(second) && there(third));
  EXPECT_THAT(leader.said, IsEmpty());
}

TEST_F(HeartbeatTest, FollowersWatchTheLeaderAlone) {
  for (double at = 0; at <= 3 * lease; at += 2) {
    beat(leader);
    beat(second);
    run.with([](FakeRun& r) { r.workers.at("third.1").beat = 1; });
    // The leader is not asked to look.
    leader.heartbeat.forget();
    run.advance(2);
  }
  EXPECT_TRUE(there(third)) << "the second does not look at it";
  for (double at = 0; at <= lease + 2; at += 2) {
    beat(second);
    beat(third);
    run.advance(2);
  }
  EXPECT_FALSE(there(leader));
  EXPECT_THAT(second.said.back() + (third.said.empty() ? "" : third.said.back()), HasSubstr("lost first.1"));
  EXPECT_EQ(run.board().state()->reaped, 1U);
  beat(second);
  beat(third);
  EXPECT_NE(second.session.leading(), third.session.leading()) << "one of them leads now";
}

TEST_F(HeartbeatTest, WhoWasGivenUpIsTold) {
  ASSERT_EQ(run.board().reap(1, "second.1", std::nullopt, Blame::none), Refusal::none);
  beat(second);
  EXPECT_TRUE(second.session.fenced);
  EXPECT_FALSE(second.session.over());
  const auto before = run.server->calls();
  beat(second);
  EXPECT_EQ(run.server->calls(), before) << "the courier's turn";
  second.courier.step();
  beat(second);
  EXPECT_FALSE(second.session.fenced);
  EXPECT_TRUE(there(second));
}

TEST_F(HeartbeatTest, AFencedThatComesAfterTheNewNameIsNoNews) {
  second.session.fence("second.0");
  EXPECT_FALSE(second.session.fenced);
}

TEST_F(HeartbeatTest, EndsWithTheRun) {
  ASSERT_EQ(run.board().end(1, 2, "bad"), Refusal::none);
  beat(third);
  EXPECT_EQ(third.session.outcome()->kind, Outcome::Kind::ended);
  run.server->lose_all();
  beat(second);
  EXPECT_EQ(second.session.outcome()->exit, Exit::board);
}

// A process that waits until it is told to end.
class Child {
 public:
  Child() : pid_(::fork()) {
    if (pid_ != 0) return;
    for (;;) ::pause();
  }
  ~Child() {
    end();
    int status = 0;
    ::waitpid(pid_, &status, 0);
  }
  void end() const {
    ::kill(pid_, SIGKILL);
    siginfo_t info;
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }
  // Where a worker in it would be.
  [[nodiscard]] Whereabouts where() const {
    auto where = Whereabouts::here();
    where.pid = pid_;
    std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
    std::string text;
    std::getline(file, text, ')');
    for (int field = 3; field < 22; ++field) file >> text;
    file >> where.start;
    return where;
  }

 private:
  const pid_t pid_;
};

TEST(Whereabouts, AProcessIsKnownToBeGoneOnlyOnItsOwnHostAndBoot) {
  const auto here = Whereabouts::here();
  EXPECT_GT(here.start, 0U);
  EXPECT_FALSE(known_gone(here.json(), here)) << "we are here";
  auto before = here;
  before.start -= 1;
  EXPECT_TRUE(known_gone(before.json(), here)) << "its number was given to us";
  before.boot = "another";
  EXPECT_FALSE(known_gone(before.json(), here));
  before.boot = here.boot;
  before.host = "another";
  EXPECT_FALSE(known_gone(before.json(), here));
  for (const auto* text : {"", "{}", "[]", "no JSON"}) EXPECT_FALSE(known_gone(text, here)) << text;

  const Child child;
  const auto where = child.where();
  EXPECT_FALSE(known_gone(where.json(), here));
  child.end();
  EXPECT_TRUE(known_gone(where.json(), here)) << "also before anybody has waited for it";
}

Whereabouts in_slurm(const std::map<std::string, std::string>& variables) {
  const SlurmVariables slurm(variables);
  return Whereabouts::here();
}

TEST(Whereabouts, ABatchJobThatWasRequeuedHasLeftNothingBehindOnAnyNode) {
  const std::map<std::string, std::string> job{{"SLURM_CLUSTER_NAME", "c"}, {"SLURM_JOB_ID", "7"}};
  auto first = in_slurm(job);
  first.host = "another";
  auto later = job;
  later["SLURM_RESTART_COUNT"] = "2";
  EXPECT_TRUE(known_gone(first.json(), in_slurm(later)));
  later["SLURM_RESTART_COUNT"] = "0";
  EXPECT_FALSE(known_gone(first.json(), in_slurm(later))) << "the same job, not requeued";

  later["SLURM_RESTART_COUNT"] = "2";
  auto again = in_slurm(later);
  again.host = "another";
  EXPECT_FALSE(known_gone(again.json(), in_slurm(later))) << "a mate";
  EXPECT_FALSE(known_gone(again.json(), in_slurm(job))) << "who comes after us";
  for (const auto* changed : {"SLURM_CLUSTER_NAME", "SLURM_JOB_ID"}) {
    auto other = later;
    other[changed] = "8";
    EXPECT_FALSE(known_gone(first.json(), in_slurm(other))) << changed;
  }
  EXPECT_FALSE(known_gone(first.json(), in_slurm({})));
  auto outside = in_slurm({});
  outside.host = "another";
  EXPECT_FALSE(known_gone(outside.json(), in_slurm({{"SLURM_RESTART_COUNT", "1"}}))) << "no batch job is no job";
}

TEST(Whereabouts, ATaskOfAnArrayIsRequeuedByItself) {
  const auto task = [](const std::string& number, const std::string& restarts) {
    auto where = in_slurm({{"SLURM_ARRAY_JOB_ID", "7"}, {"SLURM_JOB_ID", "7" + number}, {"SLURM_ARRAY_TASK_ID", number},
                           {"SLURM_RESTART_COUNT", restarts}});
    where.host = "node" + number;
    return where;
  };
  EXPECT_TRUE(known_gone(task("3", "0").json(), task("3", "1")));
  EXPECT_FALSE(known_gone(task("2", "0").json(), task("3", "1")));
}

TEST(Whereabouts, AJobIsNotTheTaskOfAnArrayThatSubmittedIt) {
  const auto job = [](const std::string& number, const std::string& restarts) {  // sbatch passes variables on
    auto where = in_slurm({{"SLURM_ARRAY_JOB_ID", "7"}, {"SLURM_ARRAY_TASK_ID", "1"}, {"SLURM_JOB_ID", number},
                           {"SLURM_RESTART_COUNT", restarts}});
    where.host = "node" + number;
    return where;
  };
  EXPECT_TRUE(known_gone(job("20", "0").json(), job("20", "1")));
  EXPECT_FALSE(known_gone(job("21", "0").json(), job("20", "1")));
}

TEST_F(HeartbeatTest, ARequeuedJobWaitsForNoneOfItsEarlierWorkers) {
  auto before = in_slurm({{"SLURM_JOB_ID", "7"}});
  before.host = "lost";
  auto other = in_slurm({{"SLURM_JOB_ID", "8"}});
  other.host = "lost";
  run.with([&](FakeRun& r) {
    r.workers.at("first.1").who = before.json();
    r.workers.at("second.1").who = before.json();
    r.workers.at("third.1").who = other.json();
  });
  auto board = run.board();
  EXPECT_EQ(reap_known_gone(board, 1, in_slurm({{"SLURM_JOB_ID", "7"}, {"SLURM_RESTART_COUNT", "1"}})), 2);
  EXPECT_TRUE(there(third)) << "another job";
}

TEST_F(HeartbeatTest, WhoseProcessIsGoneIsNotWaitedForALease) {
  const Child child, other;
  Heartbeat heartbeat(leader.session, leader.board, run.clock, {.lease = lease}, Whereabouts::here());
  run.with([&](FakeRun& r) {
    r.workers.at("second.1").who = child.where().json();
    r.workers.at("third.1").who = other.where().json();
  });
  for (int i = 0; i < early_beats; ++i) heartbeat.step();
  heartbeat.forget();
  child.end();
  for (int i = 0; i < 3; ++i) {
    heartbeat.step();
    run.advance(2);
  }
  EXPECT_FALSE(there(second)) << "after four seconds";
  EXPECT_TRUE(there(third));
  EXPECT_THAT(leader.said.back(), HasSubstr("lost second.1: its process is gone"));
}

TEST_F(HeartbeatTest, ANewWorldTakesOverFromTheOneThatIsGone) {
  const Child child, other;
  run.with([&](FakeRun& r) {
    r.workers.at("first.1").who = child.where().json();
    r.workers.at("second.1").who = other.where().json();
  });
  child.end();
  auto board = run.board();
  EXPECT_EQ(reap_known_gone(board, 1, Whereabouts::here()), 1);
  EXPECT_FALSE(there(leader));
  EXPECT_TRUE(there(second) && there(third));
}

}  // namespace
}  // namespace stint
