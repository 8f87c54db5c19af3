// SPDX-License-Identifier: Apache-2.0
// How a command is started: its words, environment, descriptors and output.
#include "support/command_process.hpp"

#include <cstdint>
#include <fcntl.h>
#include <optional>
#include <sys/resource.h>

namespace stint::commands {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

}  // namespace
}  // namespace stint::commands
