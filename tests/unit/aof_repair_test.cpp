// SPDX-License-Identifier: Apache-2.0
#include "cli/aof_repair.hpp"

#include "base/error.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string>

namespace stint {
namespace {

std::string command(std::initializer_list<std::string> words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const auto& word : words) text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return text;
}

const std::string select_zero = command({"SELECT", "0"});
const std::string script = command({"MULTI"}) + command({"SET", "MULTI", "1\r\n*1\r\n$5\r\nMULTI\r\n"}) + command({"EXEC"});

const std::string zeros(512, '\0');

using ::testing::HasSubstr;
using Kind = AofText::Kind;

std::string without_end(const std::string& text, std::size_t bytes) { return text.substr(0, text.size() - bytes); }

// `part` of `text` overwritten by zeros, as a bad disk leaves them.
std::string with_zeros(std::string text, std::size_t at, std::size_t count) { return text.replace(at, count, count, '\0'); }

TEST(AofTextTest, IsWholeTornOrDamaged) {
  const auto set = command({"SET", "key", std::string(600, 'x')});
  const auto multi = command({"MULTI"});
  const auto big_script = multi + set + command({"EXEC"});
  const auto before = select_zero.size() + script.size();
  const struct {
    const char* what;
    std::string text;
    Kind kind;
    std::uint64_t at;
  } cases[] = {
      {"nothing", "", Kind::whole, 0},
      {"scripts and remarks", select_zero + script + "#TS:1700000000\r\n" + script, Kind::whole, 0},
      {"a remark at the end", select_zero + script + "#TS:1700000000\r\n", Kind::whole, 0},
      {"half a remark at the end", select_zero + script + "#TS:17", Kind::torn, before},
      {"half a command outside a transaction", select_zero + script + without_end(set, 1), Kind::torn, before},
      {"a transaction without EXEC", select_zero + script + multi + set, Kind::torn, before},
      {"only the first byte", select_zero + script + "*", Kind::torn, before},
      {"zeros up to the end", select_zero + script + zeros, Kind::torn, before},
      {"zeros up to the end, within a transaction", select_zero + script + multi + zeros, Kind::torn, before},
      {"zeros up to the end, within a value", select_zero + script + multi + without_end(set, 300) + zeros, Kind::torn, before},
      {"zeros within a transaction, more behind", select_zero + script + multi + zeros + big_script, Kind::damaged,
       before + multi.size()},
      {"zeros between scripts, more behind", select_zero + script + zeros + script, Kind::damaged, before},
      {"zeros over the end of a value and EXEC, more behind",
       with_zeros(select_zero + script + big_script + script, before + big_script.size() - 40, 40), Kind::damaged,
       before + big_script.size() - command({"EXEC"}).size() - 2},
      {"nonsense within a transaction", select_zero + multi + "nonsense\r\n" + script, Kind::damaged,
       select_zero.size() + multi.size()},
      {"nonsense at the end", select_zero + "nonsense", Kind::damaged, select_zero.size()},
      {"MULTI within a transaction", multi + set + script, Kind::damaged, multi.size() + set.size()},
      {"a length that swallows all that follows", select_zero + "*2\r\n$3\r\nSET\r\n$90000\r\nx\r\n" + script + script,
       Kind::damaged, select_zero.size() + 21},
      {"a length beyond all bounds", select_zero + "*2\r\n$3\r\nSET\r\n$99999999999\r\nx", Kind::damaged,
       select_zero.size() + 13},
      {"a count of words beyond all bounds", select_zero + "*99999999\r\n$3\r\nSET\r\n", Kind::damaged, select_zero.size()},
      {"a number below zero", select_zero + "*-1\r\n" + script, Kind::damaged, select_zero.size()},
      {"a line end that is missing", select_zero + "*1\r\n$4\r\nEXECxx" + script, Kind::damaged, select_zero.size() + 12},
  };
  for (const auto& each : cases) {
    const auto found = check_aof_text(each.text);
    EXPECT_EQ(found.kind, each.kind) << each.what;
    EXPECT_EQ(found.at, each.at) << each.what;
  }
}

// Each of these commands begins a tail that leads to the same damage.
TEST(AofTextTest, IsReadInTimeWhateverALongValueHolds) {
  std::string value;
  for (int i = 0; i < 100'000; ++i) value += command({""});
  const auto found = check_aof_text(select_zero + "*2\r\n$3\r\nSET\r\n$90000000\r\nx\r\n" + value + zeros);
  EXPECT_EQ(found.kind, Kind::torn);
  EXPECT_EQ(found.at, select_zero.size());
}

class AofRepairTest : public ::testing::Test {
 protected:
  /// What is said about a file with this text.
  std::string repaired(const std::string& text) {
    write("appendonly.aof.manifest", "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
                                     "file appendonly.aof.2.incr.aof seq 2 type i\n");
    write("appendonly.aof.2.incr.aof", text);
    return repair_aof(folder.path());
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder.path() / name, std::ios::binary) << text;
  }
  std::string read(const std::string& name) {
    std::stringstream text;
    text << std::ifstream(folder.path() / name, std::ios::binary).rdbuf();
    return text.str();
  }
  std::string left() { return read("appendonly.aof.2.incr.aof"); }
  void refuses(const std::string& words) {
    try {
      repair_aof(folder.path());
      FAIL() << "not refused";
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::damaged);
      EXPECT_THAT(error.what(), HasSubstr(words));
    }
  }
  support::TemporaryFolder folder;
};

TEST_F(AofRepairTest, LeavesAWholeFileAlone) {
  EXPECT_EQ(repaired(select_zero + script), "");
  EXPECT_EQ(repaired(""), "");
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "appendonly.aof.2.incr.aof.cut"));
}

TEST_F(AofRepairTest, CutsATransactionWithoutItsEndWhereverItWasTornAndKeepsIt) {
  const auto whole = select_zero + script;
  for (std::size_t size = 1; size < script.size(); ++size) {
    EXPECT_THAT(repaired(whole + script.substr(0, size)), HasSubstr(std::to_string(size) + " bytes were cut off")) << size;
    EXPECT_EQ(left(), whole) << size;
    EXPECT_EQ(read("appendonly.aof.2.incr.aof.cut"), script.substr(0, size)) << size;
  }
}

TEST_F(AofRepairTest, RefusesDamageAndChangesNothing) {
  const auto damaged = select_zero + command({"MULTI"}) + zeros + command({"EXEC"}) + script;
  EXPECT_THROW(repaired(damaged), Error);
  EXPECT_EQ(left(), damaged);
  refuses("damaged at byte " + std::to_string(select_zero.size() + command({"MULTI"}).size()));
}

TEST_F(AofRepairTest, RefusesDataWithoutTheirManifest) {
  write("appendonly.aof.1.base.rdb", "REDIS");
  refuses("lost their manifest");
  write("temp-appendonly.aof.manifest", "file appendonly.aof.1.base.rdb seq 1 type b\n");
  refuses("lost their manifest");
}

TEST_F(AofRepairTest, RefusesAManifestThatLacksTheNewestFile) {
  repaired(select_zero);
  write("appendonly.aof.3.incr.aof", "");  // of a server that was killed while it began one
  write("appendonly.aof.2.base.rdb", "REDIS");
  EXPECT_EQ(repair_aof(folder.path()), "");
  write("appendonly.aof.3.incr.aof", script);
  refuses("does not name appendonly.aof.3.incr.aof");
  write("appendonly.aof.manifest", "");
  refuses("does not name");
}

TEST_F(AofRepairTest, RefusesABaseWithoutBytes) {
  write("appendonly.aof.1.base.rdb", "REDIS");
  EXPECT_EQ(repaired(select_zero), "");
  write("appendonly.aof.1.base.rdb", "");
  refuses("appendonly.aof.1.base.rdb is empty");
}

TEST_F(AofRepairTest, MindsNoFolderAndAnEmptyOne) {
  EXPECT_EQ(repair_aof(folder.path() / "none"), "");
  EXPECT_EQ(repair_aof(folder.path()), "");
}

}  // namespace
}  // namespace stint
