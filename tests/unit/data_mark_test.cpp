// SPDX-License-Identifier: Apache-2.0
#include "cli/data_mark.hpp"

#include "base/error.hpp"
#include "cli/aof_repair.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace stint {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class DataMarkTest : public ::testing::Test {
 protected:
  DataMarkTest() { fs::create_directories(data()); }
  [[nodiscard]] fs::path data() const { return home.path() / "data/appendonlydir"; }
  void write(const std::string& name, const std::string& text) const { std::ofstream(data() / name, std::ios::binary) << text; }
  // As Redis leaves it after `number` - 1 rewrites.
  void server_writes(int number, const std::string& text) const {
    const auto seq = std::to_string(number);
    write("appendonly.aof." + seq + ".base.rdb", "REDIS");
    write("appendonly.aof." + seq + ".incr.aof", text);
    write("appendonly.aof.manifest", "file appendonly.aof." + seq + ".base.rdb seq " + seq + " type b\nfile appendonly.aof." + seq +
                                         ".incr.aof seq " + seq + " type i\n");
  }
  [[nodiscard]] std::string refusal() const {
    try {
      check_data_mark(home.path());
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::damaged);
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    return "none";
  }
  const support::TemporaryFolder home;
};

TEST_F(DataMarkTest, IsNotMadeBeforeSomethingIsWritten) {
  write_data_mark(home.path());
  server_writes(1, "");
  write_data_mark(home.path());
  EXPECT_FALSE(fs::exists(data_mark(home.path())));
  EXPECT_EQ(refusal(), "none") << "a first start that crashed";
  fs::remove_all(home.path() / "data");
  EXPECT_EQ(refusal(), "none");
}

TEST_F(DataMarkTest, RefusesDataThatAreGone) {
  server_writes(1, "*1");
  write_data_mark(home.path());
  EXPECT_EQ(refusal(), "none");
  write("appendonly.aof.1.incr.aof", "");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("appendonly.aof.1.incr.aof is empty"), HasSubstr("data.mark to begin anew")));
  for (const auto& entry : fs::directory_iterator(data())) fs::remove(entry.path());
  EXPECT_THAT(refusal(), HasSubstr("holds no data"));
  fs::remove(data());
  EXPECT_THAT(refusal(), HasSubstr("holds no data"));
  fs::remove(home.path() / "data");
  EXPECT_THAT(refusal(), HasSubstr("put back a copy"));
  fs::remove(data_mark(home.path()));
  EXPECT_EQ(refusal(), "none");
}

TEST_F(DataMarkTest, GoesWithARewrite) {
  server_writes(1, "*1");
  write_data_mark(home.path());
  server_writes(2, "");
  EXPECT_EQ(refusal(), "none") << "all is in the base";
  write_data_mark(home.path());
  EXPECT_EQ(refusal(), "none");
  server_writes(2, "*1");
  write_data_mark(home.path());
  write("appendonly.aof.2.incr.aof", "");
  EXPECT_THAT(refusal(), HasSubstr("appendonly.aof.2.incr.aof is empty"));
  write_data_mark(home.path());
  EXPECT_THAT(refusal(), HasSubstr("is empty")) << "emptied under a server";
}

TEST_F(DataMarkTest, LeavesAManifestThatIsMissingToWhatNamesIt) {
  server_writes(1, "*1");
  write_data_mark(home.path());
  fs::remove(data() / "appendonly.aof.manifest");
  EXPECT_EQ(refusal(), "none");
  EXPECT_THROW(repair_aof(data()), Error);
}

}  // namespace
}  // namespace stint
