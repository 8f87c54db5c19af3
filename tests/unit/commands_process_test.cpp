// SPDX-License-Identifier: Apache-2.0
// Commands are really started here. All carry a variable in their environment that no other process has: by it they are
// found, whoever their parent and group are by then, and what a failed test leaves is ended.
#include "commands/process.hpp"

#include "commands/output_log.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace stint::commands {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Texts = std::vector<std::string>;

const Processes::Caller never{[] { return false; }, [] { return false; }, [](int) {}};

// Since the epoch.
double seconds_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

template <class Condition>
bool eventually(const Condition& condition, std::chrono::seconds most = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

// Processes that have NAME=VALUE in their environment. A zombie has none any more.
std::vector<pid_t> alive(const std::string& variable) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    std::ifstream file(entry.path() / "environ", std::ios::binary);
    const std::string text = '\0' + std::string(std::istreambuf_iterator<char>(file), {});
    if (text.find('\0' + variable + '\0') != text.npos) found.push_back(std::stoi(name));
  }
  return found;
}

Texts lines(const std::string& text) {
  Texts list;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) list.push_back(line);
  return list;
}

std::string content(const Scratch& scratch) {
  std::ostringstream text;
  EXPECT_EQ(show("/proc/self/fd/" + std::to_string(scratch.descriptor()), {0, scratch.bytes(), 0}, "", text), Shown::whole);
  return text.str();
}

class CommandsProcessTest : public ::testing::Test {
 protected:
  void SetUp() override { ::unsetenv("STINT_SHELL"); }
  void TearDown() override {
    for (pid_t pid : alive(mark)) ::kill(pid, SIGKILL);
  }
  Ended run(Processes& processes, const std::string& command, const Texts& more = {}) {
    const auto ended = processes.run(processes.words_of(command), more, out.fresh(), err.fresh(), never);
    if (!ended) throw std::runtime_error("did not begin: " + command);
    return *ended;
  }
  Ended run(const std::string& command, const Texts& more = {}) {
    Processes processes(environment, where, limits);
    return run(processes, command, more);
  }
  std::string output(const std::string& command, const Texts& more = {}) {
    const auto ended = run(command, more);
    EXPECT_EQ(ended.exit, 0) << command << ": " << ended.why << content(err);
    return content(out);
  }
  // A file that may be executed.
  std::string program(const std::string& name, const std::string& text) {
    const std::string file = folder.write(name, text);
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
  }

  const std::string worker = "unit/" + std::to_string(::getpid());
  const std::string mark = "STINT_UNIT_TEST=" + worker;
  const std::string path = std::string("PATH=") + std::getenv("PATH");
  Texts environment{path, mark};
  std::string where;
  Limits limits;
  support::TemporaryFolder folder;
  Scratch out, err;
};

TEST_F(CommandsProcessTest, TellsTheExitCode) {
  EXPECT_EQ(run("true").exit, 0);
  EXPECT_EQ(run("false").exit, 1);
  EXPECT_EQ(run("exit 3").exit, 3);
  const auto ended = run("exit 255");
  EXPECT_EQ(ended.exit, 255);
  EXPECT_EQ(ended.signal, 0);
  EXPECT_FALSE(ended.timed_out);
  EXPECT_FALSE(ended.left_some);
  EXPECT_EQ(ended.why, "");
}

TEST_F(CommandsProcessTest, TellsTheSignal) {
  for (int signal : {SIGTERM, SIGKILL, SIGUSR1}) {
    const auto ended = run("kill -" + std::to_string(signal) + " $$");
    EXPECT_EQ(ended.signal, signal);
    EXPECT_EQ(ended.exit, 0);
  }
}

TEST_F(CommandsProcessTest, TellsWhenItBeganAndHowLongItTook) {
  const double before = seconds_now();
  const auto ended = run("sleep 0.1");
  EXPECT_GE(ended.start, before);
  EXPECT_GE(ended.seconds, 0.1);
  EXPECT_LE(ended.start + ended.seconds, seconds_now());
}

TEST_F(CommandsProcessTest, AMissingProgramIs127) {
  const auto ended = run("stint-has-no-such-program a b");
  EXPECT_EQ(ended.exit, 127);
  EXPECT_EQ(ended.why, "stint-has-no-such-program: No such file or directory");
  EXPECT_EQ(run("/nowhere/program").exit, 127);
  EXPECT_EQ(run(folder.write("file", "") + "/program").exit, 127) << "under a file";
  EXPECT_EQ(run("stint-has-no-such-program \"$HOME\"").exit, 127) << "by the shell";
  EXPECT_THAT(content(err), HasSubstr("stint-has-no-such-program"));
}

TEST_F(CommandsProcessTest, AFileThatMayNotBeExecutedIs126) {
  const std::string file = folder.write("file", "echo wrong\n");
  const auto ended = run(file);
  EXPECT_EQ(ended.exit, 126);
  EXPECT_EQ(ended.why, file + ": Permission denied");
  EXPECT_EQ(run(file + " ; exit $?").exit, 126) << "by the shell";
  EXPECT_EQ(run(folder.path().string()).exit, 126) << "a folder";
}

TEST_F(CommandsProcessTest, AScriptIsRunWithItsInterpreterOrWithSh) {
  EXPECT_EQ(output(program("with", "#!/bin/sh\necho \"with $1\"\n") + " one"), "with one\n");
  EXPECT_EQ(output(program("without", "echo \"without $1 $2\"\n") + " one two"), "without one two\n");
  where = folder.path();
  EXPECT_EQ(output("./without 1 2"), "without 1 2\n");
  EXPECT_EQ(run(program("bad", "#!/nowhere/interpreter\n")).exit, 127);
}

TEST_F(CommandsProcessTest, AShellStandsBetweenOnlyWhereItIsNeeded) {
  const std::string ours = "PPid:\t" + std::to_string(::getpid()) + "\n";
  EXPECT_EQ(output("grep PPid /proc/self/status"), ours);
  EXPECT_NE(output("grep PPid /proc/self/status; true"), ours);
  EXPECT_EQ(output("echo  a\tb"), "a b\n");
  EXPECT_EQ(output("echo \"a  b\" | tr a '*'"), "*  b\n");
}

TEST_F(CommandsProcessTest, TheShellIsTheOneAskedFor) {
  const std::string shell = program("shell", "#!/bin/sh\nprintf '%s,' \"$@\"\n");
  ::setenv("STINT_SHELL", shell.c_str(), 1);
  EXPECT_EQ(output("echo $HOME 'x'"), "-c,echo $HOME 'x',");
  EXPECT_EQ(output("echo plain"), "plain\n");
  ::setenv("STINT_SHELL", "/nowhere/shell", 1);
  const auto ended = run("echo $HOME");
  EXPECT_EQ(ended.exit, 127);
  EXPECT_THAT(ended.why, HasSubstr("/nowhere/shell"));
  ::setenv("STINT_SHELL", "", 1);
  EXPECT_EQ(output("echo 'x'"), "x\n");
  ::unsetenv("STINT_SHELL");
}

TEST_F(CommandsProcessTest, OutputGoesToTheTwoDescriptors) {
  run("echo one; echo two >&2; echo three");
  EXPECT_EQ(content(out), "one\nthree\n");
  EXPECT_EQ(content(err), "two\n");
}

TEST_F(CommandsProcessTest, StandardInputIsEmpty) {
  EXPECT_EQ(output("wc -c"), "0\n");
  EXPECT_EQ(output("cat"), "");
  EXPECT_EQ(output("readlink /proc/self/fd/0"), "/dev/null\n");
}

TEST_F(CommandsProcessTest, RunsInTheFolderAskedFor) {
  const auto here = std::filesystem::current_path();
  EXPECT_EQ(output("readlink /proc/self/cwd"), here.string() + "\n");
  where = std::filesystem::canonical(folder.path());
  EXPECT_EQ(output("readlink /proc/self/cwd"), where + "\n");
  EXPECT_EQ(output("pwd; touch made"), where + "\n");
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "made"));
  EXPECT_EQ(std::filesystem::current_path(), here);
}

TEST_F(CommandsProcessTest, HasTheVariablesGivenAndNoOthers) {
  ::setenv("STINT_UNIT_TEST_OTHER", "1", 1);
  environment.push_back("LATIN=caf\xe9 \xff");
  const Texts more{"STINT_CHUNK=7", "BYTES=\x80=\n'$x", "EMPTY="};
  EXPECT_EQ(output("env", more),
            path + "\n" + mark + "\nLATIN=caf\xe9 \xff\nSTINT_CHUNK=7\nBYTES=\x80=\n'$x\nEMPTY=\n");
  EXPECT_EQ(output("printf '%s' \"$LATIN|$BYTES|$STINT_CHUNK\"", more), "caf\xe9 \xff|\x80=\n'$x|7");
  EXPECT_EQ(output("printf '\xe9%s' \xff"), "\xe9\xff") << "the command itself";
  ::unsetenv("STINT_UNIT_TEST_OTHER");
}

TEST_F(CommandsProcessTest, InheritsNoOtherDescriptor) {
  std::vector<int> open;
  for (int i = 0; i < 20; ++i) open.push_back(::open("/dev/null", O_RDWR));
  ASSERT_EQ(::dup2(open.front(), 700), 700);
  open.push_back(700);
  // The fourth is the one with which the folder is read.
  EXPECT_THAT(lines(output("ls /proc/self/fd")), ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(lines(output("for file in /proc/self/fd/*; do echo ${file##*/}; done")), ElementsAre("0", "1", "2", "3"));
  for (int descriptor : open) ::close(descriptor);
}

TEST_F(CommandsProcessTest, NoSignalIsIgnoredOrBlocked) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked, old;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &old);
  const auto signals = [&](const std::string& which) {
    return std::stoull(output("grep " + which + " /proc/self/status").substr(which.size() + 1), nullptr, 16);
  };
  constexpr auto of_the_c_library = std::uint64_t{3} << 31;  // 32 and 33, which no program can use
  EXPECT_EQ(signals("SigIgn") & ~of_the_c_library, 0u);
  EXPECT_EQ(signals("SigBlk"), 0u);
  EXPECT_EQ(run("kill -PIPE $$").signal, SIGPIPE);
  EXPECT_EQ(run("kill -TERM $$").signal, SIGTERM);
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  std::signal(SIGPIPE, before);
}

TEST_F(CommandsProcessTest, ALongCommandRuns) {
  const std::string text(129'998, 'x');
  EXPECT_EQ(run(": '" + text.substr(2) + "'").exit, 0);
  const auto shown = output("echo " + text.substr(3));
  EXPECT_EQ(shown.size(), 129'996u);
  std::string words = "true";
  while (words.size() < 200'000) words += " abc";
  EXPECT_EQ(run(words).exit, 0) << "each word of a command without shell syntax is an argument of its own";
}

TEST_F(CommandsProcessTest, ATooLongCommandIsRefusedWithWhatToDo) {
  const auto ended = run(": '" + std::string(199'996, 'x') + "'");
  EXPECT_EQ(ended.exit, 126);
  EXPECT_THAT(ended.why, AllOf(HasSubstr("200000 bytes"), HasSubstr("131,071"), HasSubstr("put it into a script")));
  EXPECT_EQ(run("echo " + std::string(199'995, 'x')).exit, 126) << "one word";
}

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

TEST_F(CommandsProcessTest, OutputsAreWholeWhateverTheirSize) {
  EXPECT_EQ(output("seq 300000; seq 200000 >&2").size(), 1'988'895u);
  EXPECT_EQ(err.bytes(), 1'288'895u);
  EXPECT_EQ(output("(echo one; echo two >&2); exec >&- 2>&-; sleep 0.1"), "one\n") << "it closes both";
}

TEST_F(CommandsProcessTest, AnOutputThatCannotBeWrittenIsTold) {
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit small = old;
  small.rlim_cur = 100'000;  // as a full disk
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  for (const char* command : {"yes | head -c 300000", "yes | head -c 300000 >&2; true", "seq 100000 || true", "yes"}) {
    EXPECT_EQ(run(command).output_error, EFBIG) << command;
  }
  EXPECT_EQ(run("yes | head -c 100000").output_error, 0);
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(out.bytes(), 100'000u);
}

TEST_F(CommandsProcessTest, ACommandWithoutADescriptorBeginsLater) {
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  Processes processes(environment, where, limits);
  const int to = out.fresh();
  rlimit small = old;
  small.rlim_cur = static_cast<rlim_t>(err.fresh()) + 1;
  Texts waits;
  auto caller = never;
  caller.waits = [&](const std::string& what) {
    waits.push_back(what);
    ::setrlimit(RLIMIT_NOFILE, &old);
  };
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
  const auto ended = processes.run({"echo", "begun"}, {}, to, err.descriptor(), caller);
  ::setrlimit(RLIMIT_NOFILE, &old);
  EXPECT_THAT(waits, ElementsAre("cannot begin yet: Too many open files"));
  EXPECT_EQ(ended.value().exit, 0);
  EXPECT_EQ(content(out), "begun\n");
}

TEST_F(CommandsProcessTest, AProgramIsFoundByThePathOfTheCommand) {
  program("bin/stint-unit-program", "#!/bin/sh\necho found $1\n");
  EXPECT_EQ(run("stint-unit-program x").exit, 127);
  environment[0] = "PATH=" + (folder.path() / "bin").string() + ":/usr/bin:/bin";
  EXPECT_EQ(output("stint-unit-program x"), "found x\n");
  EXPECT_EQ(output("stint-unit-program x | cat"), "found x\n");
}

TEST_F(CommandsProcessTest, AFunctionOfTheEnvironmentIsKnownToTheShellThatWasChosen) {
  environment.push_back("BASH_FUNC_greet%%=() {  echo \"hello $1\"\n}");
  EXPECT_EQ(run("greet you").exit, 127);
  ::setenv("STINT_SHELL", "/bin/bash", 1);
  EXPECT_EQ(output("greet you"), "hello you\n");
  EXPECT_EQ(output("greet 'a  b' | cat"), "hello a  b\n");
  ::unsetenv("STINT_SHELL");
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
