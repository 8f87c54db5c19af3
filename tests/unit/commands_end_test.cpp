// SPDX-License-Identifier: Apache-2.0
// How a command ends: timeouts, what it leaves, and commands that wait for their turn.
#include "support/command_process.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace stint::commands {
namespace {

TEST_F(CommandsProcessTest, ATimeoutEndsTheWholeGroup) {
  limits.timeout = 0.4;
  Processes processes(environment, where, limits);
  std::vector<std::jthread> threads;
  // The last one's grandchild does not mind SIGTERM, but it is not waited for.
  for (const char* command :
       {"sleep 60", "sleep 60 & wait", "(sleep 60; true) | cat", "(trap '' TERM; sleep 60) & wait"}) {
    threads.emplace_back([&, command] {
      Scratch mine;
      const auto ended = processes.run(processes.words_of(command), {}, mine.fresh(), mine.descriptor(), never);
      ASSERT_TRUE(ended);
      EXPECT_TRUE(ended->timed_out) << command;
      EXPECT_EQ(ended->signal, SIGTERM) << command;
      EXPECT_GE(ended->seconds, 0.4) << command;
    });
  }
  threads.emplace_back([&] {
    Scratch mine;
    const auto ended =
        processes.run(processes.words_of("trap : TERM; sleep 60 & wait; wait; exit 7"), {}, mine.fresh(), mine.descriptor(), never);
    ASSERT_TRUE(ended);
    EXPECT_TRUE(ended->timed_out);
    EXPECT_EQ(ended->exit, 7) << "its child was told too, and was waited for";
  });
  threads.clear();
  EXPECT_TRUE(eventually([&] { return alive(mark).empty(); }));
}

TEST_F(CommandsProcessTest, ATimeoutMayBeAShareOfTheMedian) {
  limits.timeout_share = 10;
  Processes processes(environment, where, limits);
  EXPECT_FALSE(run(processes, "sleep 0.01").timed_out);
  EXPECT_FALSE(run(processes, "sleep 0.01").timed_out);
  EXPECT_FALSE(run(processes, "sleep 0.25").timed_out) << "two are no median yet";
  const auto ended = run(processes, "sleep 60");
  EXPECT_TRUE(ended.timed_out);
  EXPECT_EQ(ended.signal, SIGTERM);
  EXPECT_GE(ended.seconds, 0.1);
}

TEST_F(CommandsProcessTest, WithoutATimeoutNothingIsTimedOut) {
  limits.timeout = 60;
  const auto ended = run("sleep 0.1");
  EXPECT_FALSE(ended.timed_out);
  EXPECT_EQ(ended.signal, 0);
}

TEST_F(CommandsProcessTest, TellsThatACommandLeftSome) {
  const auto ended = run("sleep 60 & exit 4");
  EXPECT_EQ(ended.exit, 4);
  EXPECT_TRUE(ended.left_some);
  std::vector<pid_t> left;
  // Not at once: a process that is about to become another program shows no environment for a moment.
  ASSERT_TRUE(eventually([&] { return (left = alive(mark)).size() == 1; })) << "it is not ended";
  EXPECT_EQ(::kill(left.front(), SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return alive(mark).empty(); }));
  EXPECT_FALSE(run("sleep 0.01 & wait").left_some);
}

// As in a container whose first process asks for no exit codes: here that process is this one.
TEST_F(CommandsProcessTest, AProcessThatHasEndedAndThatNobodyAsksForIsNotWaitedFor) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  limits.timeout = 0.2;
  const auto ended = run("sleep 60 & sleep 60");
  EXPECT_TRUE(ended.timed_out);
  EXPECT_FALSE(ended.left_some);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

TEST_F(CommandsProcessTest, WhatACommandLeavesIsNeitherEndedNorStoppedByItsOutput) {
  const std::string made = folder.path() / "made";
  const auto ended = run("(sleep 0.3; yes | head -c 300000; echo late >&2; touch " + made + ") & echo now");
  EXPECT_EQ(content(out), "now\n");
  EXPECT_TRUE(ended.left_some);
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(made); })) << "nobody reads, and its pipe is not full";
  EXPECT_EQ(content(out), "now\n");
  EXPECT_EQ(run("true").exit, 0);
}

TEST_F(CommandsProcessTest, ADelaySpacesBeginnings) {
  limits.delay = 0.05;
  Processes processes(environment, where, limits);
  std::vector<double> starts(4);
  const double begun = seconds_now();
  {
    std::vector<std::jthread> threads;
    for (double& start : starts) {
      threads.emplace_back([&] {
        Scratch mine;
        start = processes.run(processes.words_of("true"), {}, mine.fresh(), mine.descriptor(), never).value().start;
      });
    }
  }
  std::ranges::sort(starts);
  // Counted from the first: a thread may have to wait for a processor between its turn and its beginning.
  for (int i = 0; i < 4; ++i) EXPECT_GE(starts[i], begun + 0.0499 * i);
}

TEST_F(CommandsProcessTest, NothingBeginsOnceTold) {
  Processes processes(environment, where, limits);
  const std::string made = folder.path() / "made";
  EXPECT_FALSE(processes.run(processes.words_of("touch " + made), {}, out.fresh(), err.fresh(), {[] { return true; }, [] { return false; }, [](int) {}}));
  EXPECT_FALSE(std::filesystem::exists(made));
}

TEST_F(CommandsProcessTest, WhoWaitsForItsTurnIsToldToo) {
  int asked = 0;
  const Processes::Caller soon{[&] { return ++asked > 3; }, [] { return false; }, [](int) {}};
  limits.delay = 3600;
  Processes delayed(environment, where, limits);
  EXPECT_TRUE(delayed.run(delayed.words_of("true"), {}, out.fresh(), err.fresh(), soon)) << "the first one need not wait";
  EXPECT_FALSE(delayed.run(delayed.words_of("true"), {}, out.fresh(), err.fresh(), soon));
  asked = 0;
  Limits memory;
  memory.memory_free = std::uint64_t{1} << 60;
  Processes starved(environment, where, memory);
  EXPECT_FALSE(starved.run(starved.words_of("true"), {}, out.fresh(), err.fresh(), soon)) << "no machine has so much memory";
}

TEST_F(CommandsProcessTest, WhatNobodyWantsAnyMoreIsEnded) {
  Processes processes(environment, where, limits);
  std::atomic<int> pid{0};
  const auto ended = processes.run(processes.words_of("sleep 60"), {}, out.fresh(), err.fresh(),
                                   {[] { return false; }, [&] { return pid != 0; }, [&](int of) { pid = of; }});
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->signal, SIGTERM);
  EXPECT_FALSE(ended->timed_out);
  EXPECT_LT(ended->seconds, 20);
  EXPECT_EQ(::kill(pid, 0), -1) << "it was told under its own number";
}

TEST_F(CommandsProcessTest, ManyThreadsRunCommandsAtOnce) {
  limits.timeout = 60;  // the watcher goes over the list of those that run, meanwhile
  Processes processes(environment, where, limits);
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 8; ++thread) {
      threads.emplace_back([&] {
        Scratch mine;
        for (int i = 0; i < 50; ++i) {
          const bool fails = i % 10 == 0;
          const auto ended = processes.run(processes.words_of(fails ? "false" : "true"), {}, mine.fresh(), mine.descriptor(), never);
          right += ended && ended->exit == (fails ? 1 : 0) && ended->signal == 0 && !ended->timed_out;
        }
      });
    }
  }
  EXPECT_EQ(right, 400);
}

}  // namespace
}  // namespace stint::commands
