// SPDX-License-Identifier: Apache-2.0
// How commands that failed are told: by their number, grouped, on one line each.
#include "cli/failure_lines.hpp"
#include "commands/commands.hpp"
#include "support/run_in_process.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <stint/detail/adapter.hpp>

#include <string>
#include <vector>

namespace stint::commands {
namespace {

using ::testing::ElementsAre;

class CommandsFailureTest : public ::testing::Test {
 protected:
  CommandsFailureTest() {
    CommandList list;
    for (const char* text : {"true", "sleep 0.4", "grep x\nf", "exit 7", "exit 7"}) list.add(text, {});
    list.begin_in({5, 4, 3, 2, 1}, {});
    job.adopt_plan(archive::encode(list));
    facts.store_dir = folder.path();
  }
  // Of the command of this number.
  [[nodiscard]] FailedChunk failed(std::uint64_t number, const std::string& error, const std::string& said,
                                   const std::string& errors = "") const {
    Record record;
    record.number = number;
    record.seconds = 0.42;
    record.host = "node1";
    record.said = said;
    if (!errors.empty()) {
      folder.write("log.err", "before" + errors);
      record.place = {"log", 0, 0, 6, errors.size()};
    }
    return {job.chunk_of(number), error, "node1", 1, text_of(record)};
  }
  support::TemporaryFolder folder;
  Adapter<Commands> job;
  RunFacts facts;
};

TEST_F(CommandsFailureTest, IsTheCommandWithItsNumberTimeHostAndLastWord) {
  const auto text = job.describe_failure(failed(2, "exit code 1", "sleep: bad time", "one\ntwo\n"), Context(facts));
  ASSERT_TRUE(text);
  EXPECT_EQ(text->line, "command 2 failed: exit 1 after 0.4 s on node1: sleep 0.4; sleep: bad time");
  std::vector<std::string> rows;
  for (const auto& [name, row] : text->rows) rows.push_back(name == "time" ? name : name + "=" + row);
  EXPECT_THAT(rows, ElementsAre("command=sleep 0.4", "exit=exit code 1", "time", "host=node1", "stderr=one\ntwo\n"));
  EXPECT_EQ(job.describe_failure(failed(3, "Killed (signal 9)", "a\tb"), Context(facts))->line,
            "command 3 failed: Killed (signal 9) after 0.4 s on node1: grep x f; a b");
  EXPECT_EQ(job.describe_failure(failed(2, "timed out after 6 s", ""), Context(facts))->line,
            "command 2 failed: timed out after 0.4 s on node1: sleep 0.4") << "the time once";
  EXPECT_EQ(job.describe_failure({0, "its rank died", "node2", 2, ""}, Context(facts))->line,
            "command 5 failed: its rank died on node2: exit 7");
}

TEST_F(CommandsFailureTest, IsToldWhateverIsKeptOfIt) {
  const FailedChunk damaged{0, "exit code 7", "node2", 1, "{"};
  EXPECT_EQ(job.describe_failure(damaged, Context(facts))->line, "command 5 failed: exit 7 on node2: exit 7");
  support::MemoryOutput output;
  job.begin_follow(Context(facts));
  job.follow_failure(damaged, output);
  EXPECT_EQ(output.written(), "");
  auto late = failed(2, "exit code 1", "");
  late.detail.replace(late.detail.find("\"start\":0.0"), 11, "\"start\":1e300");
  const auto text = job.describe_failure(late, Context(facts));
  for (const auto& [name, row] : text->rows) {
    if (name == "time") {
      EXPECT_THAT(row, ::testing::HasSubstr("0.4 s, begun "));
    }
  }
}

TEST_F(CommandsFailureTest, OnesOfAKindAreOneLine) {
  const std::vector<FailedChunk> failures{failed(2, "exit code 1", "no 17.txt"), failed(5, "exit code 7", ""),
                                          failed(4, "exit code 7", ""), failed(3, "exit code 1", "no 3.txt")};
  EXPECT_THAT(failure_lines(job, failures, Context(facts)),
              ElementsAre("command 2 failed: exit 1 after 0.4 s on node1: sleep 0.4; no 17.txt (and 1 more like it)",
                          "command 5 failed: exit 7 after 0.4 s on node1: exit 7 (and 1 more like it)"));
  EXPECT_THAT(failure_lines(job, failures, Context(facts), 1),
              ElementsAre("command 2 failed: exit 1 after 0.4 s on node1: sleep 0.4; no 17.txt (and 1 more like it)",
                          "… and failures of other kinds: 1"));
}

TEST_F(CommandsFailureTest, ALineOnAChunkIsInTheNumbersOfTheList) {
  EXPECT_EQ(in_words_of(job, "chunk 0 failed on h: exit code 7"), "command 5 failed on h: exit code 7");
  EXPECT_EQ(in_words_of(job, "3 chunks failed; the last, chunk 4: x"), "3 chunks failed; the last, command 1: x");
  for (const char* text : {"chunk 9 is no chunk of it", "a chunk is lost", "nothing"}) EXPECT_EQ(in_words_of(job, text), text);
}

}  // namespace
}  // namespace stint::commands
