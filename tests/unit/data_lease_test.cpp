// SPDX-License-Identifier: Apache-2.0
#include "cli/data_lease.hpp"

#include "base/error.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace stint {
namespace {

using ::testing::HasSubstr;

class DataLeaseTest : public ::testing::Test {
 protected:
  std::unique_ptr<DataLease> lease(const DataLease::Owner& owner, double patience = 0.3) {
    return std::make_unique<DataLease>(folder.path(), owner, patience, [this](const std::string& line) { said += line; });
  }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) names.push_back(entry.path().filename());
    return names;
  }
  const DataLease::Owner here{"here", "boot-1", 10};
  const DataLease::Owner there{"there", "boot-2", 10};
  support::TemporaryFolder folder;
  std::string said;
};

TEST_F(DataLeaseTest, IsGivenBackAndTakenAtOnce) {
  { EXPECT_TRUE(lease(here)->renew()); }
  EXPECT_TRUE(files().empty());
  const auto next = lease(there, 3600);
  EXPECT_FALSE(next->taken_over());
  EXPECT_EQ(said, "");
}

TEST_F(DataLeaseTest, OfAnotherNodeThatRenewsItIsRefused) {
  const auto owner = lease(there);
  std::jthread renewing([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      EXPECT_TRUE(owner->renew());
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  try {
    lease(here, 3600);
    FAIL() << "both have it";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::board);
    EXPECT_THAT(error.what(), HasSubstr("in use on there"));
  }
  EXPECT_EQ(said, "") << "nothing was waited for";
}

TEST_F(DataLeaseTest, OfAnotherNodeThatIsSilentIsTakenAfterItsTime) {
  const auto lost = lease(there);
  const auto begun = std::chrono::steady_clock::now();
  const auto owner = lease(here, 0.3);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(300));
  EXPECT_THAT(said, HasSubstr("last in use on there; waiting"));
  EXPECT_TRUE(owner->taken_over());
  EXPECT_TRUE(owner->renew());
  EXPECT_FALSE(lost->renew()) << "it comes back, and stops";
}

TEST_F(DataLeaseTest, OfThisNodeIsTakenAtOnce) {
  const auto killed = lease(here);
  const auto owner = lease({"here", "boot-1", 11}, 3600);
  EXPECT_FALSE(owner->taken_over()) << "with the lock in hand, the one before has ended, and its server is seen to";
  EXPECT_FALSE(killed->renew());
  EXPECT_TRUE(owner->renew());
}

TEST_F(DataLeaseTest, WhoWakesUpWhenEverythingIsOverHasLostIt) {
  const auto paused = lease(there);
  { const auto other = lease(here, 0.1); }
  EXPECT_FALSE(paused->renew());
  const auto third = lease({"third", "boot-3", 10});
  EXPECT_FALSE(paused->renew()) << "a file of the same generation that is another's";
}

TEST_F(DataLeaseTest, OfManyAtOnceGoesToOne) {
  const auto lost = lease(there);
  std::atomic<int> owners{0};
  std::atomic<int> refused{0};
  std::vector<std::unique_ptr<DataLease>> kept(8);
  {
    std::vector<std::jthread> nodes;
    for (int node = 0; node < 8; ++node) {
      nodes.emplace_back([&, node] {
        try {
          kept[node] = std::make_unique<DataLease>(
              folder.path(), DataLease::Owner{"node", "boot-" + std::to_string(10 + node), 10}, 0.3);
          owners += kept[node]->renew() ? 1 : 0;
        } catch (const Error&) {
          refused += 1;
        }
      });
    }
  }
  EXPECT_EQ(owners, 1);
  EXPECT_EQ(refused, 7);
}

TEST_F(DataLeaseTest, OldFilesAreLeftToAServerThatStillWrites) {
  const auto data = folder.path() / "data";
  std::filesystem::create_directories(data / "appendonlydir");
  std::ofstream old(data / "appendonlydir" / "incr.aof");
  old << "before " << std::flush;
  part_from_old_files(data, true);
  old << "late" << std::flush;
  std::string text;
  std::getline(std::ifstream(data / "appendonlydir" / "incr.aof"), text);
  EXPECT_EQ(text, "before ");
  EXPECT_EQ(files(), std::vector<std::string>{"data"});
}

TEST_F(DataLeaseTest, AKilledCopyIsMended) {
  const auto data = folder.path() / "data";
  std::filesystem::create_directories(folder.path() / "data.old");
  std::filesystem::create_directories(folder.path() / "data.new");
  std::ofstream(folder.path() / "data.old" / "file") << "whole\n";
  part_from_old_files(data, false);
  EXPECT_TRUE(std::filesystem::exists(data / "file"));
  EXPECT_EQ(files(), std::vector<std::string>{"data"});
}

}  // namespace
}  // namespace stint
