// SPDX-License-Identifier: Apache-2.0
#include "cli/output_file.hpp"

#include "base/error.hpp"
#include "base/standard_descriptors.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace stint {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class OutputFileTest : public testing::Test {
 protected:
  [[nodiscard]] fs::path at(const std::string& name) const { return folder_.path() / name; }
  void make(const std::string& name, const std::string& text) const { std::ofstream(at(name)) << text; }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ifstream file(at(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_.path()), {}));
  }
  static std::string refusal(const fs::path& path) {
    try {
      OutputFile(path, "the result");
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }
  support::TemporaryFolder folder_;
};

TEST_F(OutputFileTest, ChangesNothingBeforeItPublishes) {
  make("file", "old");
  {
    OutputFile file(at("file"), "the result");
    EXPECT_EQ(files(), 1U) << "nothing lies beside it for hours";
    file.stream() << std::string(1 << 20, 'x');
    EXPECT_EQ(content("file"), "old");
  }
  EXPECT_EQ(content("file"), "old");
  EXPECT_EQ(files(), 1U);
  OutputFile file(at("file"), "the result");
  file.stream() << "first";
  file.clear();
  file.stream() << "new";
  file.publish();
  EXPECT_EQ(content("file"), "new");
  EXPECT_EQ(files(), 1U);
}

TEST_F(OutputFileTest, FollowsLinksAlsoRelativeOnesAndToWhatIsNotThere) {
  fs::create_directory(at("folder"));
  make("folder/file", "old");
  fs::create_symlink("folder/file", at("one"));
  fs::create_symlink(at("one"), at("two"));
  fs::create_symlink("folder/made", at("dangling"));
  fs::create_symlink("loop", at("loop"));
  write_output(at("two"), "the result", "new");
  write_output(at("dangling"), "the result", "made");
  EXPECT_EQ(content("folder/file"), "new");
  EXPECT_EQ(content("folder/made"), "made");
  for (const char* link : {"one", "two", "dangling"}) EXPECT_TRUE(fs::is_symlink(at(link))) << link;
  EXPECT_THAT(refusal(at("loop")), HasSubstr("Too many levels"));
}

TEST_F(OutputFileTest, LeavesEqualBytesAloneAndKeepsTheMode) {
  make("file", "same");
  fs::permissions(at("file"), fs::perms(0640));
  struct stat before {}, after {};
  ::stat(at("file").c_str(), &before);
  write_output(at("file"), "the result", "same");
  ::stat(at("file").c_str(), &after);
  EXPECT_EQ(before.st_ino, after.st_ino);
  write_output(at("file"), "the result", "other");
  ::stat(at("file").c_str(), &after);
  EXPECT_NE(before.st_ino, after.st_ino);
  EXPECT_EQ(after.st_mode & 0777, 0640U);
  make("empty", "");
  write_output(at("empty"), "the result", "");
  EXPECT_EQ(content("empty"), "");
}

TEST_F(OutputFileTest, SaysWhatCannotBeWritten) {
  EXPECT_EQ(refusal(at("")), "cannot write the result to " + at("").string() + ": it is a folder");
  EXPECT_THAT(refusal(folder_.path()), HasSubstr("it is a folder"));
  EXPECT_THAT(refusal(at("none/file")), HasSubstr("No such file or directory"));
  make("file", "");
  EXPECT_THAT(refusal(at("file/below")), HasSubstr("Not a directory"));
  EXPECT_THAT(refusal(at(std::string(300, 'n'))), HasSubstr("File name too long"));
  EXPECT_EQ(refusal(at(std::string(250, 'n'))), "") << "the name of what is beside it is not longer";
  OutputFile full("/dev/full", "the result");
  full.stream() << "x";
  EXPECT_THROW(full.publish(), Error);
}

TEST_F(OutputFileTest, TakesOnlyDescriptorsOfTheUser) {
  const int ours = ::open(at("ours").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  EXPECT_THAT(refusal("/dev/fd/" + std::to_string(ours)), HasSubstr("there is no descriptor"));
  open_standard_descriptors();  // as if it had been open when the program began
  write_output("/dev/fd/" + std::to_string(ours), "the result", "text");
  EXPECT_EQ(content("ours"), "text");
  ::close(ours);
  EXPECT_THAT(refusal("/dev/fd/" + std::to_string(ours)), HasSubstr("there is no descriptor"));
  EXPECT_EQ(descriptor_of("/dev/stdout"), 1);
  EXPECT_EQ(descriptor_of("/proc/self/fd/2"), 2);
  fs::create_symlink("/dev/stdout", at("link"));
  EXPECT_EQ(descriptor_of(at("link")), 1);
  EXPECT_EQ(descriptor_of(at("file")), -1);
  EXPECT_EQ(descriptor_of("/dev/null"), -1);
}

TEST_F(OutputFileTest, WritesThroughAPipe) {
  ::mkfifo(at("pipe").c_str(), 0600);
  const int reader = ::open(at("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  write_output(at("pipe"), "the result", "text");
  char buffer[8] = {};
  EXPECT_EQ(::read(reader, buffer, sizeof buffer), 4);
  EXPECT_STREQ(buffer, "text");
  EXPECT_TRUE(fs::is_fifo(at("pipe")));
  ::close(reader);
}

}  // namespace
}  // namespace stint
