// SPDX-License-Identifier: Apache-2.0
// What the leader shows of commands that have ended: order, tags, what lies on another host.
#include "support/command_outputs.hpp"

#include <algorithm>

namespace stint::commands {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST_F(CommandsReportTest, TheOrderIsThatOfTheListWhateverTheOrderOfTaking) {
  const auto records = four();
  std::vector<std::size_t> order{0, 1, 2, 3};
  do {
    const Errors errs;
    support::MemoryOutput text;
    Report report(options, names(4), store);
    for (std::size_t i : order) report.take(records[i], i == 2 ? "exit code 1" : "", text);
    EXPECT_EQ(text.written(), "out 1\nout 2\nout 3\nout 4\n");
    EXPECT_EQ(errs.text(), "err 1\nerr 2\nerr 3\nerr 4\n");
  } while (std::ranges::next_permutation(order).found);
}

TEST_F(CommandsReportTest, AnOutputIsShownAsSoonAsThoseBeforeItAre) {
  const auto records = four();
  Report report(options, names(4), store);
  report.take(records[2], "", out);
  report.take(records[1], "", out);
  EXPECT_EQ(out.written(), "");
  report.take(records[0], "", out);
  EXPECT_EQ(out.written(), "out 1\nout 2\nout 3\n");
  report.take(records[3], "", out);
  EXPECT_EQ(out.written(), "out 1\nout 2\nout 3\nout 4\n");
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
  support::MemoryOutput rest;
  Report after(options, names(4), store, shown);
  for (std::size_t i : {3, 0, 2, 1}) after.take(records[i], "", rest);
  EXPECT_EQ(rest.written(), "out 2\nout 3\nout 4\n");
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
  EXPECT_EQ(out.written(), "one\nfirst time\n");
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
  EXPECT_EQ(out.written(), "");
  const auto text = content(options.joblog);
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
}

TEST_F(CommandsReportTest, UnorderedOutputsAreShownAsTheyCome) {
  options.unordered = true;
  const auto records = four();
  Report report(options, names(4), store);
  for (std::size_t i : {2, 0, 2, 3, 1}) report.take(records[i], "", out);
  EXPECT_EQ(out.written(), "out 3\nout 1\nout 4\nout 2\n");
  EXPECT_EQ(errors.text(), "err 3\nerr 1\nerr 4\nerr 2\n");
}

TEST_F(CommandsReportTest, OneAloneIsShownWithoutItsErrors) {
  options.only = 3;
  const auto records = four();
  Report report(options, names(4), store);
  for (const auto& each : records) report.take(each, "", out);
  EXPECT_EQ(out.written(), "out 3\n");
  EXPECT_EQ(errors.text(), "");
}

TEST_F(CommandsReportTest, OrItsErrorsAlone) {
  options.only = 3;
  options.only_stderr = true;
  const auto records = four();
  Report report(options, names(4), store);
  for (const auto& each : records) report.take(each, "", out);
  EXPECT_EQ(out.written(), "err 3\n");
  EXPECT_EQ(errors.text(), "");
}

TEST_F(CommandsReportTest, ATagIsTheValuesOrElseTheCommand) {
  options.tag = true;
  Report report(options, named({{"work a b", {"a", "b"}}, {"plain command", {}}}), store);
  report.take(record(1, "one\ntwo\n", "bad\n"), "", out);
  report.take(record(2, "three\n"), "", out);
  EXPECT_EQ(out.written(), "a b\tone\na b\ttwo\nplain command\tthree\n");
  EXPECT_EQ(errors.text(), "a b\tbad\n");
}

TEST_F(CommandsReportTest, AnOutputThatLiesElsewhereIsToldWithItsPlaceAndTheRestGoesOn) {
  Report report(options, names(2), store);
  auto missing = record(1, "text\n");
  missing.place.log = "of-another-node";
  report.take(missing, "", out);
  report.take(record(2, "two\n"), "", out);
  EXPECT_EQ(out.written(), "two\n");
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
  EXPECT_EQ(out.written(), "v1\tone\nv1\ttwo\nv2\tcopied\n");
  EXPECT_THAT(errors.text(), AllOf(HasSubstr("v1\terr\n"), HasSubstr("6 bytes of the output of command 1 are not here"),
                                   ::testing::Not(HasSubstr("command 2"))));
}

TEST_F(CommandsReportTest, TheWholeIsShownWhereItIsHere) {
  Report report(options, names(1), store);
  auto carries = record(1, "all of it\n");
  carries.carried = {"all", ""};
  report.take(carries, "", out);
  EXPECT_EQ(out.written(), "all of it\n");
  EXPECT_EQ(errors.text(), "");
}

}  // namespace
}  // namespace stint::commands
