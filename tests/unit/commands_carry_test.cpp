// SPDX-License-Identifier: Apache-2.0
// Outputs that travel with their records, since the leader does not see the logs.
#include "support/command_outputs.hpp"

#include <algorithm>

namespace stint::commands {
namespace {


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

}  // namespace
}  // namespace stint::commands
