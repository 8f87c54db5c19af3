// SPDX-License-Identifier: Apache-2.0
// Where the output of commands is kept: scratches, and the logs that they are appended to.
#include "support/command_outputs.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <sys/resource.h>
#include <thread>

namespace stint::commands {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST_F(CommandsOutputTest, AScratchIsEmptiedForTheNextCommand) {
  Scratch scratch;
  EXPECT_EQ(scratch.descriptor(), -1);
  const int first = scratch.fresh();
  EXPECT_EQ(scratch.descriptor(), first);
  EXPECT_EQ(scratch.bytes(), 0u);
  write(scratch, "one");
  EXPECT_EQ(scratch.bytes(), 3u);
  EXPECT_EQ(scratch.fresh(), first);
  EXPECT_EQ(scratch.bytes(), 0u);
  write(scratch, "next");
  EXPECT_EQ(scratch.beginning(99), "next");

  const Scratch moved(std::move(scratch));
  EXPECT_EQ(moved.bytes(), 4u);
  EXPECT_GE(moved.descriptor(), 0);
}

TEST_F(CommandsOutputTest, AScratchTellsItsLastLine) {
  for (const auto& [text, line] : std::initializer_list<std::pair<std::string, std::string>>{
           {"", ""}, {"\n \n", ""}, {"one", "one"}, {"one\ntwo\n", "two"}, {"one\r\ntwo \r\n\n", "two"},
           {"50%\r100%\n", "100%"}, {std::string(100'000, 'x') + "\nlast", "last"}, {"0123456789a", "0123456789"}}) {
    Scratch scratch;
    scratch.fresh();
    write(scratch, text);
    EXPECT_EQ(scratch.last_line(10), line);
  }
}

TEST_F(CommandsOutputTest, AScratchInAFolderThatIsNotThereIsAnErrorWithItsPath) {
  const char* before = std::getenv("TMPDIR");
  const std::string old = before != nullptr ? before : "";
  ::setenv("TMPDIR", (folder.path() / "gone").c_str(), 1);
  std::string message;
  try {
    Scratch().fresh();
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  before != nullptr ? ::setenv("TMPDIR", old.c_str(), 1) : ::unsetenv("TMPDIR");
  EXPECT_EQ(message, "cannot keep the output of commands in " + (folder.path() / "gone").string() +
                         ": No such file or directory; set TMPDIR");
}

TEST_F(CommandsOutputTest, AScratchHasNoName) {
  const auto count = [] {
    const auto is_one = [](const auto& entry) { return entry.path().filename().string().starts_with("stint-output"); };
    return std::ranges::count_if(std::filesystem::directory_iterator(std::filesystem::temp_directory_path()), is_one);
  };
  const auto before = count();
  Scratch scratch;
  scratch.fresh();
  EXPECT_LE(count(), before);
}

TEST_F(CommandsOutputTest, EachOutputIsWholeAtItsPlace) {
  OutputLog log(folder.path(), "host/3");
  std::atomic<int> whole{0};
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 6; ++thread) {
      threads.emplace_back([&, thread] {
        for (std::size_t i = 0; i < 30; ++i) {
          const std::string out = lines_of(i * 997, "out " + std::to_string(thread));
          const std::string err = lines_of((i % 3) * 50'000, "err " + std::to_string(thread));
          const auto place = append(log, out, err);
          whole += out_of(place) == out && err_of(place) == err && place.log == "host.3";
        }
      });
    }
  }
  EXPECT_EQ(whole, 180);
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "host.3.out"), 6u * 997 * 29 * 30 / 2) << "and nothing else";
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "host.3.err"), 6u * 10 * 150'000);
}

TEST_F(CommandsOutputTest, ALogGoesOnWhereAnEarlierOneOfTheSameNameEnded) {
  Place before;
  {
    OutputLog log(folder.path() / "deep" / "er", "worker");
    before = append(log, "before\n", "");
  }
  OutputLog log(folder.path() / "deep" / "er", "worker");
  const auto after = append(log, "after\n", "warning\n");
  EXPECT_EQ(before.out_at, 0u);
  EXPECT_EQ(after.out_at, 7u);
  EXPECT_EQ(after.err_at, 0u);
  EXPECT_EQ(content(folder.path() / "deep" / "er" / "worker.out"), "before\nafter\n");
  EXPECT_EQ(content(folder.path() / "deep" / "er" / "worker.err"), "warning\n");
}

TEST_F(CommandsOutputTest, ALogWithoutOutputMakesNoFile) {
  OutputLog log(folder.path(), "worker");
  EXPECT_EQ(append(log, "", "").out_bytes, 0u);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_F(CommandsOutputTest, ALogThatCannotBeMadeIsAnErrorWithItsPath) {
  const std::string file = folder.write("file", "");
  try {
    const OutputLog log(file + "/below", "worker");
    FAIL() << "a folder in a file";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr(file + "/below"), HasSubstr("Not a directory")));
  }
  std::filesystem::create_directory(folder.path() / "worker.out");
  OutputLog log(folder.path(), "worker");
  try {
    append(log, "text", "");
    FAIL() << "a folder as a log";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr((folder.path() / "worker.out").string()));
  }
}

TEST_F(CommandsOutputTest, AfterADiskWasFullTheNextOutputIsAtItsPlace) {
  OutputLog log(folder.path(), "worker");
  EXPECT_EQ(out_of(append(log, "before", "")), "before");
  Scratch out, err;
  out.fresh();
  err.fresh();
  write(out, lines_of(200'000, "too long"));
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit small = old;
  small.rlim_cur = 100'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  try {
    log.append(out, err);
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(message, HasSubstr((folder.path() / "worker.out").string()));
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "worker.out"), 6u) << "nothing of it stays";
  EXPECT_EQ(out_of(append(log, "after", "")), "after");
}

TEST_F(CommandsOutputTest, ALargeOutputIsCopiedWhole) {
  OutputLog log(folder.path(), "worker");
  const std::string text = lines_of(10 << 20, "large");
  append(log, "before\n", "");
  const auto place = append(log, text, "");
  EXPECT_EQ(place.out_at, 7u);
  EXPECT_EQ(place.out_bytes, text.size());
  EXPECT_TRUE(out_of(place) == text);
}

TEST_F(CommandsOutputTest, BytesThatAreNoTextAreShownAsTheyAre) {
  OutputLog log(folder.path(), "worker");
  const std::string bytes("\0\r\xff\n\0\xe9", 6);
  EXPECT_EQ(out_of(append(log, bytes, "")), bytes);
  EXPECT_EQ(shown("worker.out", 0, 6, "t"), "t\t" + bytes.substr(0, 4) + "t\t" + bytes.substr(4));
}

TEST_F(CommandsOutputTest, ATagStandsBeforeEachLine) {
  folder.write("log", "one\n\ntwo\nlast");
  EXPECT_EQ(shown("log", 0, 13, "a b"), "a b\tone\na b\t\na b\ttwo\na b\tlast") << "no newline is made";
  EXPECT_EQ(shown("log", 0, 9, "t"), "t\tone\nt\t\nt\ttwo\n") << "no tag of a line that does not begin";
  EXPECT_EQ(shown("log", 1, 3, "t"), "t\tne\n") << "each command's output begins a line";
  EXPECT_EQ(shown("log", 3, 2, "t"), "t\t\nt\t\n");
}

TEST_F(CommandsOutputTest, ATagStandsBeforeEachLineOverTheBordersOfPieces) {
  for (const std::size_t first : {65'534, 65'535, 65'536, 65'537, 131'071, 131'072, 200'000}) {
    const std::string line(first, 'x');
    const std::string text = line + "\nsecond\n" + line + "\nlast";
    folder.write("log", text);
    const auto tagged = shown("log", 0, text.size(), "t");
    EXPECT_TRUE(tagged == "t\t" + line + "\nt\tsecond\nt\t" + line + "\nt\tlast") << first;
    EXPECT_TRUE(shown("log", 0, first + 1, "t") == "t\t" + line + "\n") << first;
    EXPECT_TRUE(shown("log", 0, first, "t") == "t\t" + line) << first;
    EXPECT_TRUE(shown("log", 0, text.size()) == text) << first;
  }
}

TEST_F(CommandsOutputTest, AMissingLogIsToldOnlyIfThereIsSomethingInIt) {
  std::ostringstream text;
  EXPECT_EQ(show(folder.path() / "none", {0, 1, 0}, "t", text), Shown::missing);
  EXPECT_EQ(show(folder.path() / "none", {}, "t", text), Shown::whole);
  EXPECT_EQ(text.str(), "");
  folder.write("short", "short\n");
  EXPECT_EQ(show(folder.path() / "short", {2, 100, 0}, "", text), Shown::missing) << "a part of it is missing";
  EXPECT_EQ(text.str(), "ort\n");
}

}  // namespace
}  // namespace stint::commands
