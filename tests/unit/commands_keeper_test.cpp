// SPDX-License-Identifier: Apache-2.0
// What a rank that is killed leaves of its commands.
#include "support/command_process.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/wait.h>

namespace stint::commands {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class CommandsKeeperTest : public CommandsProcessTest {
 protected:
  // Each command runs until this process is killed. Called in a child.
  [[noreturn]] void work(const Texts& commands, const std::string& other) {
    const Keeper keeper(worker);
    Processes own({path, mark, "STINT_WORKER=" + worker}, "", {});
    Processes others({path, mark, "STINT_WORKER=" + worker + "0"}, "", {});
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < commands.size(); ++i) {
      threads.emplace_back([&, i] { own.run(own.words_of(commands[i]), {part(i)}, null, null, never); });
    }
    threads.emplace_back([&] { others.run(others.words_of(other), {}, null, null, never); });
    for (;;) ::pause();
  }
  [[nodiscard]] std::string part(std::size_t number) const {
    return "STINT_UNIT_PART=" + worker + "," + std::to_string(number);
  }
};

// Two tests in one, since each of them takes seconds: those between SIGTERM and SIGKILL.
TEST_F(CommandsKeeperTest, EndsAllCommandsOfARankThatWasKilledAsATimeoutDoesByForceToo) {
  const std::string bare = "STINT_UNIT_BARE=" + worker;
  const std::string other = "STINT_WORKER=" + worker + "0";
  const Texts commands{"sleep 60", "setsid sleep 60", "trap '' TERM; sleep 60 & wait", "kill -STOP $$; sleep 60",
                       "env -i " + mark + " " + bare + " sleep 60; true", "sleep 60 & true"};
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) work(commands, "sleep 60");

  limits.timeout = 0.5;
  const std::string timed = "STINT_UNIT_TIMED=" + worker;
  Processes processes(environment, where, limits);
  std::vector<std::jthread> threads;
  for (const char* command : {"trap '' TERM; sleep 60 & wait", "kill -STOP $$; sleep 60"}) {
    threads.emplace_back([&, command] {
      Scratch mine;
      const auto ended = processes.run(processes.words_of(command), {timed}, mine.fresh(), mine.descriptor(), never);
      ASSERT_TRUE(ended);
      EXPECT_TRUE(ended->timed_out) << command;
      EXPECT_EQ(ended->signal, SIGKILL) << command;
      EXPECT_GE(ended->seconds, 5.5) << "SIGTERM comes first: " << command;
    });
  }

  const auto in_a_session_of_its_own = [](pid_t pid) { return ::getsid(pid) == pid; };
  const auto left_by_its_leader = [](pid_t pid) { return ::kill(::getpgid(pid), 0) != 0; };
  EXPECT_TRUE(eventually([&] {
    return !alive(part(0)).empty() && std::ranges::any_of(alive(part(1)), in_a_session_of_its_own) &&
           alive(part(2)).size() >= 2 && !alive(part(3)).empty() && !alive(bare).empty() &&
           std::ranges::any_of(alive(part(5)), left_by_its_leader) && !alive(other).empty();
  })) << "the commands have begun";
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(eventually([&] { return alive("STINT_WORKER=" + worker).empty() && alive(bare).empty(); }))
      << alive("STINT_WORKER=" + worker).size() << " live on, and " << alive(bare).size() << " without its environment";
  EXPECT_THAT(alive(other), SizeIs(1)) << "a command of another rank, whose name is longer";

  threads.clear();
  EXPECT_TRUE(eventually([&] { return alive(timed).empty(); }));
}

TEST_F(CommandsKeeperTest, OfARankThatEndsLetsThemLive) {
  environment.push_back("STINT_WORKER=" + worker);
  {
    const Keeper keeper(worker);
    EXPECT_TRUE(run("sleep 60 & true").left_some);
  }
  // It waits for the small process, so whatever that would have done is done.
  std::vector<pid_t> left;
  ASSERT_TRUE(eventually([&] { return (left = alive("STINT_WORKER=" + worker)).size() == 1; }));
  EXPECT_EQ(::kill(left.front(), SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return alive(mark).empty(); }));
}

TEST_F(CommandsKeeperTest, IsNoCommandAndKeepsNoDescriptor) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Keeper keeper(worker);
  ::close(ends[1]);
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 0) << "nobody else has the other end";
  ::close(ends[0]);
  EXPECT_THAT(alive("STINT_WORKER=" + worker), IsEmpty());
}

}  // namespace
}  // namespace stint::commands
