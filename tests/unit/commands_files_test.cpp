// SPDX-License-Identifier: Apache-2.0
// What the leader writes of commands that have ended: job log, failed commands, results, and what is lost of them.
#include "support/command_outputs.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sys/resource.h>

namespace stint::commands {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

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
  EXPECT_EQ(out.written(), "one\ntwo\n") << "they are shown as well";
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
  EXPECT_EQ(out.written(), "text");
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
    support::MemoryOutput shown;
    Report report(options, list, store, {}, records[0].host);
    for (const auto& each : records) report.take(each, "", shown);
    EXPECT_EQ(shown.written().find(damaged == 0 ? "first" : "second") != std::string::npos, damaged == 2) << damaged;
    EXPECT_THAT(shown.written(), HasSubstr("third"));
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
