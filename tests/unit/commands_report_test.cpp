// SPDX-License-Identifier: Apache-2.0
// From a command's output to what the leader shows and writes of it, with real files; no command is run.
#include "commands/report.hpp"

#include "commands/commands.hpp"
#include "commands/output_log.hpp"
#include "support/records.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace stint::commands {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Texts = std::vector<std::string>;

void write(const Scratch& scratch, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(scratch.descriptor(), text.data(), text.size());
    if (written <= 0) throw std::runtime_error("cannot write to a scratch");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("there is no " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

// Numbered lines, no two of them the same.
std::string lines_of(std::size_t bytes, const std::string& name) {
  std::string text;
  for (std::size_t i = 0; text.size() < bytes; ++i) text += name + ' ' + std::to_string(i) + '\n';
  text.resize(bytes);
  return text;
}

class MemoryOutput final : public Output {
 public:
  std::ostream& text() override { return text_; }
  std::ostream& file(const std::string& name) override { throw std::logic_error("a report writes no file " + name); }
  [[nodiscard]] std::string str() const { return text_.str(); }
  void str(const std::string& text) { text_.str(text); }

 private:
  std::ostringstream text_;
};

// What std::cerr is told while this lives.
class Errors {
 public:
  Errors() : before_(std::cerr.rdbuf(text_.rdbuf())) {}
  ~Errors() { std::cerr.rdbuf(before_); }
  Errors(const Errors&) = delete;
  Errors& operator=(const Errors&) = delete;
  [[nodiscard]] std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

class CommandsOutputTest : public ::testing::Test {
 protected:
  // The file "FOLDER/log" + `suffix`, or a part of it, as it is shown.
  std::string shown(const std::string& log, const Part& part, const std::string& tag = "") const {
    std::ostringstream text;
    EXPECT_EQ(show(folder.path() / log, part, tag, text), Shown::whole);
    return text.str();
  }
  std::string shown(const std::string& log, std::uint64_t at, std::uint64_t bytes, const std::string& tag = "") const {
    return shown(log, Part{at, bytes, 0}, tag);
  }
  std::string out_of(const Place& place) const { return shown(place.log + ".out", place.out()); }
  std::string err_of(const Place& place) const { return shown(place.log + ".err", place.err()); }
  // Adds one command's output.
  static Place append(OutputLog& log, std::string_view out, std::string_view err) {
    Scratch out_file, err_file;
    out_file.fresh();
    err_file.fresh();
    write(out_file, out);
    write(err_file, err);
    return log.append(out_file, err_file);
  }
  support::TemporaryFolder folder;
};

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

class CommandsReportTest : public CommandsOutputTest {
 protected:
  CommandsReportTest() : store(folder.path() / "store"), log(store, "worker") {}
  Record record(std::uint64_t number, const std::string& stdout_text, const std::string& stderr_text = "") {
    Record made;
    made.number = number;
    made.start = 1700000000.25;
    made.seconds = 1.5;
    made.host = "node7";
    made.place = append(log, stdout_text, stderr_text);
    return made;
  }
  // Four commands, each with an output and an error.
  std::vector<Record> four() {
    std::vector<Record> records;
    for (std::uint64_t number = 1; number <= 4; ++number) {
      const auto name = std::to_string(number);
      records.push_back(record(number, "out " + name + "\n", "err " + name + "\n"));
    }
    return records;
  }
  using Named = std::pair<std::string, std::vector<std::string>>;
  const CommandList& named(const std::vector<Named>& list) {
    auto& made = lists.emplace_back();
    for (const auto& [text, values] : list) made.add(text, values);
    return made;
  }
  const CommandList& names(std::size_t count) {
    std::vector<Named> list;
    for (std::size_t i = 1; i <= count; ++i) {
      const auto number = std::to_string(i);
      list.push_back({"work v" + number, {"v" + number}});
    }
    return named(list);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return folder.path() / name; }

  const std::filesystem::path store;
  std::deque<CommandList> lists;
  OutputLog log;
  ReportOptions options;
  Errors errors;
  MemoryOutput out;
};

TEST_F(CommandsReportTest, TheOrderIsThatOfTheListWhateverTheOrderOfTaking) {
  const auto records = four();
  std::vector<std::size_t> order{0, 1, 2, 3};
  do {
    const Errors errs;
    MemoryOutput text;
    Report report(options, names(4), store);
    for (std::size_t i : order) report.take(records[i], i == 2 ? "exit code 1" : "", text);
    EXPECT_EQ(text.str(), "out 1\nout 2\nout 3\nout 4\n");
    EXPECT_EQ(errs.text(), "err 1\nerr 2\nerr 3\nerr 4\n");
  } while (std::ranges::next_permutation(order).found);
}

TEST_F(CommandsReportTest, AnOutputIsShownAsSoonAsThoseBeforeItAre) {
  const auto records = four();
  Report report(options, names(4), store);
  report.take(records[2], "", out);
  report.take(records[1], "", out);
  EXPECT_EQ(out.str(), "");
  report.take(records[0], "", out);
  EXPECT_EQ(out.str(), "out 1\nout 2\nout 3\n");
  report.take(records[3], "", out);
  EXPECT_EQ(out.str(), "out 1\nout 2\nout 3\nout 4\n");
}

TEST_F(CommandsReportTest, WhatWasShownByTheRankBeforeIsNotShownAgain) {
  const auto records = four();
  const auto shown = file("shown");
  {
    Report before(options, names(4), store, shown);
    before.take(records[0], "", out);
    before.settle(out);
    before.take(records[1], "", out);  // it dies before this is seen
  }
  MemoryOutput rest;
  Report after(options, names(4), store, shown);
  for (std::size_t i : {3, 0, 2, 1}) after.take(records[i], "", rest);
  EXPECT_EQ(rest.str(), "out 2\nout 3\nout 4\n");
}

TEST_F(CommandsReportTest, ARecordThatIsGivenTwiceCountsOnce) {
  options.joblog = file("joblog");
  options.failed = file("failed");
  Report report(options, names(2), store);
  const auto second = record(2, "first time\n");
  report.take(second, "exit code 1", out);
  report.take(second, "exit code 1", out);
  report.take(record(2, "second time\n"), "", out);  // of a worker that was taken for lost
  report.take(record(1, "one\n"), "", out);
  report.take(record(1, "one again\n"), "exit code 1", out);
  EXPECT_EQ(out.str(), "one\nfirst time\n");
  const auto text = content(options.joblog);
  EXPECT_EQ(std::ranges::count(text, '\n'), 3);
  EXPECT_EQ(content(options.failed), "work v2\n");
}

TEST_F(CommandsReportTest, ARecordOfNoCommandIsLeftOut) {
  options.joblog = file("joblog");
  Report report(options, names(2), store);
  for (std::uint64_t number : {std::uint64_t{0}, std::uint64_t{3}, ~std::uint64_t{0}}) {
    report.take(record(number, "wrong\n"), "exit code 1", out);
  }
  EXPECT_EQ(out.str(), "");
  const auto text = content(options.joblog);
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
}

TEST_F(CommandsReportTest, UnorderedOutputsAreShownAsTheyCome) {
  options.unordered = true;
  const auto records = four();
  Report report(options, names(4), store);
  for (std::size_t i : {2, 0, 2, 3, 1}) report.take(records[i], "", out);
  EXPECT_EQ(out.str(), "out 3\nout 1\nout 4\nout 2\n");
  EXPECT_EQ(errors.text(), "err 3\nerr 1\nerr 4\nerr 2\n");
}

TEST_F(CommandsReportTest, OneAloneIsShownWithoutItsErrors) {
  options.only = 3;
  const auto records = four();
  Report report(options, names(4), store);
  for (const auto& each : records) report.take(each, "", out);
  EXPECT_EQ(out.str(), "out 3\n");
  EXPECT_EQ(errors.text(), "");
}

TEST_F(CommandsReportTest, OrItsErrorsAlone) {
  options.only = 3;
  options.only_stderr = true;
  const auto records = four();
  Report report(options, names(4), store);
  for (const auto& each : records) report.take(each, "", out);
  EXPECT_EQ(out.str(), "err 3\n");
  EXPECT_EQ(errors.text(), "");
}

TEST_F(CommandsReportTest, ATagIsTheValuesOrElseTheCommand) {
  options.tag = true;
  Report report(options, named({{"work a b", {"a", "b"}}, {"plain command", {}}}), store);
  report.take(record(1, "one\ntwo\n", "bad\n"), "", out);
  report.take(record(2, "three\n"), "", out);
  EXPECT_EQ(out.str(), "a b\tone\na b\ttwo\nplain command\tthree\n");
  EXPECT_EQ(errors.text(), "a b\tbad\n");
}

TEST_F(CommandsReportTest, AnOutputThatLiesElsewhereIsToldWithItsPlaceAndTheRestGoesOn) {
  Report report(options, names(2), store);
  auto missing = record(1, "text\n");
  missing.place.log = "of-another-node";
  report.take(missing, "", out);
  report.take(record(2, "two\n"), "", out);
  EXPECT_EQ(out.str(), "two\n");
  const std::string place = store / "of-another-node";
  EXPECT_THAT(errors.text(), AllOf(HasSubstr("command 1"), HasSubstr("node7"), HasSubstr(place)));
}

TEST_F(CommandsReportTest, WhatARecordCarriesIsShownAndWhatItLeavesOutIsTold) {
  options.tag = true;
  Report report(options, names(3), store);
  auto carries = record(1, "one\ntwo\nthree\n", "err\n");
  carries.place.log = "of-another-node";
  carries.carried = {"one\ntwo\n", "err\n"};
  report.take(carries, "", out);
  auto copied = record(2, "copied\n");
  copied.copy = copied.place;
  copied.place.log = "of-another-node";
  report.take(copied, "", out);
  EXPECT_EQ(out.str(), "v1\tone\nv1\ttwo\nv2\tcopied\n");
  EXPECT_THAT(errors.text(), AllOf(HasSubstr("v1\terr\n"), HasSubstr("6 bytes of the output of command 1 are not here"),
                                   ::testing::Not(HasSubstr("command 2"))));
}

TEST_F(CommandsReportTest, TheWholeIsShownWhereItIsHere) {
  Report report(options, names(1), store);
  auto carries = record(1, "all of it\n");
  carries.carried = {"all", ""};
  report.take(carries, "", out);
  EXPECT_EQ(out.str(), "all of it\n");
  EXPECT_EQ(errors.text(), "");
}

// Two ranks: one whose store the leader does not see, and the leader.
class CommandsCarryTest : public CommandsOutputTest {
 protected:
  static RunFacts facts(const std::filesystem::path& store, const std::string& worker) {
    RunFacts facts;
    facts.worker = worker;
    facts.store_dir = store;
    facts.store_shared = false;
    return facts;
  }
};

TEST_F(CommandsCarryTest, OutputsTravelWithTheirRecordsAndAreUnloadedOnce) {
  const auto there = facts(folder.path() / "there", "node1/1.r"), here = facts(folder.path() / "here", "node0/0.r");
  Commands far, leader;
  far.prepare(Context(there));
  leader.prepare(Context(here));
  Files files;
  Command command;
  command.number = 3;
  command.text = "head -c 1100000 /dev/zero; echo err >&2";
  const auto made = far.compute(command, Context(there), files);
  const auto records = list_of(made);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].place.out_bytes, 1100000u);
  EXPECT_EQ(records[0].carried.out.size(), std::size_t{1} << 20);
  EXPECT_EQ(records[0].carried.err, "err\n");
  for (int time = 0; time < 2; ++time) {  // a leader reads all again when it loses the blackboard
    auto taken = made;
    leader.unload(taken);
    const auto unloaded = list_of(taken);
    EXPECT_TRUE(unloaded[0].carried.empty());
    EXPECT_EQ(unloaded[0].copy.out_bytes, std::uint64_t{1} << 20);
    EXPECT_EQ(content(here.store_dir / (unloaded[0].copy.log + ".err")), "err\n");
  }
  EXPECT_EQ(std::filesystem::file_size(here.store_dir / "node0.0.r.out"), std::uint64_t{1} << 20);
}

TEST_F(CommandsCarryTest, AFailureCarriesLess) {
  const auto there = facts(folder.path() / "there", "node1/1.r");
  Commands far;
  far.prepare(Context(there));
  Files files;
  Command command;
  command.number = 3;
  command.text = "head -c 100000 /dev/zero >&2; exit 3";
  try {
    (void)far.compute(command, Context(there), files);
    FAIL() << "it failed";
  } catch (const ChunkError& error) {
    EXPECT_EQ(record_of(error.detail()).carried.err, std::string(16384, '\0'));
  }
}

TEST_F(CommandsCarryTest, APartialCarriesOnlySoMuch) {
  const Commands job;
  Record record;
  record.carried.out = std::string(1 << 20, 'x');
  Records merged;
  for (int i = 0; i < 40; ++i) job.reduce(merged, Records(record));
  const auto all = list_of(merged);
  ASSERT_EQ(all.size(), 40u);
  EXPECT_FALSE(all[31].carried.empty());
  EXPECT_TRUE(all[32].carried.empty());
}

TEST_F(CommandsReportTest, TheJobLogHasTheColumnsOfGnuParallel) {
  options.joblog = file("joblog");
  Report report(options, named({{"echo 'a b'", {"a b"}}, {"work", {}}, {"slow", {}}, {"killed", {}}}), store);
  std::string expected = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
  EXPECT_EQ(content(options.joblog), expected);
  report.take(record(2, "12345\n", "not counted\n"), "", out);
  expected += "2\tnode7\t1700000000.250\t     1.500\t0\t6\t0\t0\twork\n";
  EXPECT_EQ(content(options.joblog), expected) << "as they end, and at once";
  auto failed = record(1, "");
  failed.exit = 3;
  failed.start = 1700000000.9996;
  failed.seconds = 0;
  report.take(failed, "exit code 3", out);
  expected += "1\tnode7\t1700000001.000\t     0.000\t0\t0\t3\t0\techo 'a b'\n";
  auto slow = record(3, "");
  slow.exit = -1;
  slow.seconds = 12345678.0004;
  report.take(slow, "timed out", out);
  expected += "3\tnode7\t1700000000.250\t12345678.000\t0\t0\t-1\t0\tslow\n";
  auto killed = record(4, "");
  killed.signal = 9;
  killed.seconds = 123.4567;
  report.take(killed, "Killed (signal 9)", out);
  expected += "4\tnode7\t1700000000.250\t   123.457\t0\t0\t0\t9\tkilled\n";
  EXPECT_EQ(content(options.joblog), expected);
}

TEST_F(CommandsReportTest, ACommandOfSeveralLinesIsOneLineOfTheJobLog) {
  options.joblog = file("joblog");
  Report report(options, named({{"echo a\necho b", {}}}), store);
  report.take(record(1, ""), "", out);
  // GNU parallel writes a NUL byte for a line end.
  EXPECT_THAT(content(options.joblog), HasSubstr(std::string("\techo a\0echo b\n", 15)));
}

TEST_F(CommandsReportTest, TheFailedOnesAreListedToBeGivenAgain) {
  options.failed = file("failed");
  const auto records = four();
  Report report(options, names(4), store);
  EXPECT_EQ(content(options.failed), "");
  report.take(records[3], "exit code 1", out);
  EXPECT_EQ(content(options.failed), "work v4\n");
  report.take(records[0], "", out);
  report.take(records[1], "its rank was lost", out);
  EXPECT_EQ(content(options.failed), "work v4\nwork v2\n");
}

TEST_F(CommandsReportTest, TheResultsAreATreeAsThatOfGnuParallel) {
  options.results = file("results");
  Report report(options, named({{"work", {"a/b", "c\\d\te"}}, {"work", {"a/b", "other"}}}), store);
  report.take(record(2, "two\n", ""), "exit code 1", out);
  report.take(record(1, "one\n", "bad\n"), "", out);
  const auto first = std::filesystem::path(options.results) / "1" / "a\\_b" / "2" / "c\\\\d\\te";
  EXPECT_EQ(content(first / "seq"), "1");
  EXPECT_EQ(content(first / "stdout"), "one\n");
  EXPECT_EQ(content(first / "stderr"), "bad\n");
  const auto second = std::filesystem::path(options.results) / "1" / "a\\_b" / "2" / "other";
  EXPECT_EQ(content(second / "seq"), "2");
  EXPECT_EQ(content(second / "stdout"), "two\n");
  EXPECT_EQ(content(second / "stderr"), "");
  EXPECT_EQ(out.str(), "one\ntwo\n") << "they are shown as well";
}

TEST_F(CommandsReportTest, TheResultsOfAPlainCommandHaveItsName) {
  options.results = file("results");
  Report report(options, named({{"cat /etc/hosts", {}}}), store);
  report.take(record(1, "text"), "", out);
  EXPECT_EQ(content(file("results/1/cat \\_etc\\_hosts/stdout")), "text");
}

TEST_F(CommandsReportTest, AValueTooLongForAFolderIsNoEndOfTheRun) {
  options.results = file("results");
  Report report(options, named({{"work", {std::string(300, 'x')}}}), store);
  EXPECT_NO_THROW(report.take(record(1, "text"), "", out)) << "GNU parallel shortens it";
  EXPECT_EQ(out.str(), "text");
}

TEST_F(CommandsReportTest, OutputThatIsNoLongerOnItsHostIsALoss) {
  const auto list = names(2);
  Report here(options, list, file("empty"), {}, record(1, "").host);
  here.take(record(1, "one"), "", out);
  here.take(record(2, ""), "", out);
  try {
    here.refuse_losses();
    FAIL();
  } catch (const DataLost& loss) {
    EXPECT_THAT(loss.what(), AllOf(HasSubstr("the output of command 1 was kept in "), HasSubstr("--fresh")));
  }
  Report elsewhere(options, list, file("empty"), {}, "another-host");
  elsewhere.take(record(1, "one"), "", out);
  EXPECT_NO_THROW(elsewhere.refuse_losses());
  EXPECT_THAT(errors.text(), HasSubstr("lies on "));
}

TEST_F(CommandsReportTest, OutputThatIsDamagedIsNotShownAndNamesItsCommand) {
  const auto list = names(3);
  const std::vector<Record> records{record(1, "first"), record(2, lines_of(200'000, "second")), record(3, "third", "error")};
  for (std::size_t damaged = 0; damaged < records.size(); ++damaged) {
    const auto& place = records[damaged].place;
    const auto damaged_log = (store / place.log).string() + (damaged == 2 ? ".err" : ".out");
    const auto at = damaged == 2 ? place.err_at + place.err_bytes - 1 : place.out_at + place.out_bytes - 1;
    const auto flip = [&] {
      std::fstream file(damaged_log, std::ios::in | std::ios::out | std::ios::binary);
      const auto place_of_byte = static_cast<std::streamoff>(at);
      file.seekg(place_of_byte);
      const char byte = static_cast<char>(file.get() ^ 1);
      file.seekp(place_of_byte);
      file.put(byte);
    };
    flip();
    out.str("");
    Report report(options, list, store, {}, records[0].host);
    for (const auto& each : records) report.take(each, "", out);
    EXPECT_EQ(out.str().find(damaged == 0 ? "first" : "second") != std::string::npos, damaged == 2) << damaged;
    EXPECT_THAT(out.str(), HasSubstr("third"));
    try {
      report.refuse_losses();
      ADD_FAILURE() << damaged;
    } catch (const DataLost& loss) {
      EXPECT_THAT(loss.what(), AllOf(HasSubstr("the output of command " + std::to_string(damaged + 1) + " was kept in "),
                                     HasSubstr("damaged"), HasSubstr("--fresh")));
    }
    flip();
  }
}

TEST_F(CommandsReportTest, AFileThatCannotBeWrittenIsAnErrorWithItsPath) {
  const auto message = [&](const ReportOptions& wanted) -> std::string {
    try {
      Report report(wanted, names(1), store);
      report.take(record(1, "one\n"), "exit code 1", out);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "none";
  };
  const std::string nowhere = file("no-such-folder/file");
  ReportOptions wanted;
  wanted.joblog = nowhere;
  EXPECT_THAT(message(wanted), AllOf(HasSubstr(nowhere), HasSubstr("No such file or directory")));
  wanted = {};
  wanted.failed = nowhere;
  EXPECT_THAT(message(wanted), HasSubstr(nowhere));
  wanted = {};
  wanted.results = folder.write("file", "") + "/below";
  EXPECT_THAT(message(wanted), HasSubstr(wanted.results));
  wanted = {};
  wanted.joblog = "/dev/full";
  EXPECT_THAT(message(wanted), HasSubstr("/dev/full: No space left on device"));
  wanted = {};
  wanted.failed = "/dev/full";
  EXPECT_THAT(message(wanted), HasSubstr("/dev/full: No space left on device"));
}

TEST_F(CommandsReportTest, AFileThatIsNotWrittenWholeIsAnErrorThoughItIsSmall) {
  options.results = file("results");
  Report report(options, named({{"work", {"x"}}}), store);
  const auto ended = record(1, "text");
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit small = old;
  small.rlim_cur = 2;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  try {
    report.take(ended, "", out);
  } catch (const BadInput& error) {
    message = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(message, AllOf(HasSubstr("/stdout"), HasSubstr("File too large")));
}

}  // namespace
}  // namespace stint::commands
