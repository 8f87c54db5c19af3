// SPDX-License-Identifier: Apache-2.0
// Texts that a user names: line ends of Windows, marks at the beginning, and what only the launcher can read.
#include "base/notes.hpp"
#include "base/text_input.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <stint/error.hpp>
#include <stint/input.hpp>
#include <stint/options.hpp>
#include <stint/text.hpp>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace stint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class TextInputTest : public ::testing::Test {
 protected:
  void TearDown() override { ::unsetenv("STINT_STDIN"); }  // set by keep_texts
  support::TemporaryFolder folder;
};

TEST_F(TextInputTest, LeavesOutWhatIsOfWindowsAndSaysSo) {
  const struct {
    std::string bytes, text;
    std::size_t notes;
  } table[] = {{"a\nb\n", "a\nb\n", 0},         {"a\r\nb\r\n", "a\nb\n", 1},  {"a\r\nb\r", "a\nb", 1},
               {"\xef\xbb\xbf" "a\n", "a\n", 1}, {"\xef\xbb\xbf" "a\r\n", "a\n", 2}, {"a\rb\n", "a\rb\n", 0},
               {"a\r", "a\r", 0},               {"\r\n", "\n", 1},             {"", "", 0},
               {"a\r\r\n", "a\r\n", 1},         {"a\n\xef\xbb\xbf", "a\n\xef\xbb\xbf", 0}};
  for (const auto& [bytes, text, notes] : table) {
    take_notes();
    const auto path = folder.write("text", bytes);
    EXPECT_EQ(read_text(path), text);
    EXPECT_EQ(take_notes().size(), notes) << text;
    EXPECT_EQ(read_whole(path), bytes);
  }
  read_text(folder.write("text", "a\r\nb\r\n"));
  read_text(folder.write("text", "a\r\nb\r\n"));
  EXPECT_THAT(take_notes(), ElementsAre(HasSubstr("2 lines of '")));
}

TEST_F(TextInputTest, RefusesWhatIsNoTextInOneLine) {
  const auto refusal = [](const std::string& path) {
    try {
      read_text(path);
    } catch (const BadInput& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(refusal(folder.write("utf16", std::string("\xff\xfe" "a\0", 4))), HasSubstr("UTF-16"));
  EXPECT_THAT(refusal(folder.path() / "none"), HasSubstr("No such file"));
  EXPECT_THAT(refusal(folder.path()), HasSubstr("directory"));
}

TEST_F(TextInputTest, KnowsWhatIsReadOnce) {
  for (const char* path : {"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"}) EXPECT_TRUE(is_standard_input(path)) << path;
  for (const char* path : {"", "--", "./-", "/dev/fd/3"}) EXPECT_FALSE(is_standard_input(path)) << path;
  EXPECT_TRUE(is_of_this_call("/dev/fd/63"));
  EXPECT_TRUE(is_of_this_call("-"));
  EXPECT_FALSE(is_of_this_call("/etc/passwd"));
}

// A launcher keeps a pipe; the rank, which would wait for a writer, reads what was kept, as often as it likes.
TEST_F(TextInputTest, KeepsAPipeForTheRanks) {
  const std::string pipe = folder.path() / "a pipe%";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto file = folder.write("file", "in a file\n");
  const auto kept_in = folder.path() / "kept";
  std::filesystem::create_directory(kept_in);
  std::thread writer([&] { std::ofstream(pipe) << "through a pipe\n"; });
  keep_texts(read_once({pipe, file, pipe, folder.path() / "none"}), kept_in);
  writer.join();
  EXPECT_EQ(read_text(pipe), "through a pipe\n");
  EXPECT_EQ(read_text(pipe), "through a pipe\n");
  EXPECT_EQ(read_text(file), "in a file\n");
}

TEST_F(TextInputTest, ListsOfFilesAreTexts) {
  const auto a = folder.write("a", "1");
  const auto list = folder.write("list", "\xef\xbb\xbf" + std::string(a) + "\r\n");
  Inputs inputs;
  Options options;
  options.add_files_from("files-from", inputs, "");
  options.entries().front().set({list});
  EXPECT_THAT(options.texts_read(), ElementsAre(std::string(list)));
  ASSERT_EQ(inputs.files().size(), 1u);
  EXPECT_EQ(inputs.files()[0].path, a);
  take_notes();
  options.entries().front().set({"-"});
  EXPECT_THAT(options.texts_read(), ElementsAre("-")) << "standard input, not a file of that name";
}

}  // namespace
}  // namespace stint
