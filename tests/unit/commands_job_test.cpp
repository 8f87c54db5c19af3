// SPDX-License-Identifier: Apache-2.0
// The list of commands as the job plans it: once more, and from what an older list had done. No command is run.
#include "commands/commands.hpp"
#include "commands/expected_times.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <stint/options.hpp>

#include <string>
#include <vector>

namespace stint::commands {
namespace {

class CommandsJobTest : public ::testing::Test {
 protected:
  // The job, told to run this list.
  Commands job_of(const std::string& list) {
    Commands job;
    Options options;
    job.options(options);
    for (const auto& entry : options.entries()) {
      if (entry.positional) entry.set({folder.write("list", list)});
    }
    job.source();
    return job;
  }
  static Record record(std::uint64_t number) {
    Record made;
    made.number = number;
    made.host = "node1";
    return made;
  }
  support::TemporaryFolder folder;
  RunFacts facts;
};

TEST_F(CommandsJobTest, PlansTheSameOnceMore) {
  auto job = job_of("echo a\n# no command\necho b\n");
  const auto source = job.source();
  for (int time = 0; time < 2; ++time) {  // as where the blackboard is lost before the run is on it
    const auto plan = job.plan(Context(facts));
    ASSERT_EQ(plan.size(), 2u);
    EXPECT_EQ(plan[1].text, "echo b");
    EXPECT_EQ(job.source(), source);
  }
}

TEST_F(CommandsJobTest, TakesOverWhatEnded) {
  const auto old = job_of("a\nb\na\nc\nd\n").plan(Context(facts));
  Records ended(record(1));
  ended.add(record(3));
  auto job = job_of("new\nd\na\na\na\n");
  EXPECT_EQ(job.take_over(old, {ended}, {{4, "exit code 1", "node1", 1, text_of(record(5))}, {3, "its rank died", "", 1, ""}}),
            "the list has changed: 2 commands are new, 2 are gone; of the others 3 have run, and do not run again");
  const auto plan = job.plan(Context(facts));
  EXPECT_FALSE(plan[0].earlier);
  ASSERT_TRUE(plan[1].earlier);
  EXPECT_EQ(plan[1].earlier->error, "exit code 1");
  EXPECT_EQ(plan[2].earlier.value().record.number, 1u);
  EXPECT_EQ(plan[3].earlier.value().record.number, 3u);
  EXPECT_FALSE(plan[4].earlier);
}

TEST_F(CommandsJobTest, TakesOverNothingThatIsDamaged) {
  const auto old = job_of("a\nb\n").plan(Context(facts));
  auto job = job_of("a\nb\nc\n");
  EXPECT_EQ(job.take_over(old, {Records(record(0)), Records(record(3))}, {{0, "exit code 1", "node1", 1, "no record"}}),
            "the list has changed: 1 commands are new, 0 are gone; of the others 0 have run, and do not run again");
}

TEST_F(CommandsJobTest, TakesOverWhatTheOldListTookOver) {
  const auto first = job_of("a\nb\nc\n").plan(Context(facts));
  Records ended(record(1));
  ended.add(record(2));
  auto second = job_of("slow\na\nb\nc\n");
  second.take_over(first, {ended}, {{2, "exit code 1", "node1", 1, text_of(record(3))}});
  const auto old = second.plan(Context(facts));
  auto third = job_of("c\nb\na\n");
  third.take_over(old, {Records(record(2))}, {});  // only `a` had been given back
  const auto plan = third.plan(Context(facts));
  EXPECT_EQ(plan[0].earlier.value().error, "exit code 1");
  EXPECT_EQ(plan[1].earlier.value().error, "");
  EXPECT_EQ(plan[2].earlier.value().record.number, 2u);
}

// Times of a job log come from a file that anyone may have edited.
TEST_F(CommandsJobTest, ExpectsOnlyTimesThatCanBe) {
  const auto planned = [&](const std::string& seconds) {
    Commands job;
    Options options;
    job.options(options);
    for (const auto& entry : options.entries()) {
      if (entry.positional) entry.set({folder.write("list", "a\nb\n")});
      if (entry.name == "expect") entry.set({folder.write("log", "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"
                                                                 "1\t:\t1.0\t" + seconds + "\t0\t0\t0\t0\tb\n")});
    }
    return job.plan(Context(facts));
  };
  EXPECT_EQ(planned("     2.500").weights(), (std::vector{2.5, 2.5}));
  for (const char* seconds : {"inf", "nan", "-1", "1e300", "", "soon"}) {
    try {
      planned(seconds);
      FAIL() << seconds;
    } catch (const BadInput& error) {
      EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("line 2"), testing::HasSubstr("'" + std::string(seconds) + "'")));
    }
  }
}

TEST(ExpectedTimesTest, AreOfAJobLogAlone) {
  const std::string head = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
  const std::string row = "1\t:\t1.0\t2.5\t0\t0\t0\t0\tb\n";
  EXPECT_EQ(times_of_joblog(head + row, "log").size(), 1u);
  EXPECT_EQ(times_of_joblog(head + row + "2\t:\t1.", "log").size(), 1u) << "it was cut off";
  EXPECT_TRUE(times_of_joblog(head, "log").empty());
  for (const auto& [text, why] : std::vector<std::pair<std::string, std::string>>{
           {"", "it is empty"}, {"echo a\necho b\n", "line 1 has not its columns"}, {"echo a", "line 1 has not"}, {head + "b\n" + row, "line 2 has not"}}) {
    try {
      times_of_joblog(text, "some");
      FAIL() << text;
    } catch (const BadInput& error) {
      EXPECT_THAT(error.what(), testing::AllOf(testing::StartsWith("--expect some is not a job log: "), testing::HasSubstr(why)));
    }
  }
}

}  // namespace
}  // namespace stint::commands
