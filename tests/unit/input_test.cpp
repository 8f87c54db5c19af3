// SPDX-License-Identifier: Apache-2.0
// Finding files, cutting their bytes, and reading records whole at every cut.
#include <stint/archive.hpp>
#include <stint/error.hpp>
#include <stint/input.hpp>

#include "base/own_folder.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace stint {
namespace {

using support::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> paths_of(const Inputs& inputs) {
  std::vector<std::string> paths;
  for (const InputFile& file : inputs.files()) paths.push_back(file.path);
  return paths;
}

template <class Call>
std::string bad_input_of(Call&& call) {
  try {
    call();
  } catch (const BadInput& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
  return "it was accepted";
}

std::string bad_files(const Inputs& inputs) {
  return bad_input_of([&] { (void)inputs.files(); });
}

/// Root may read everything: for its lifetime the process is somebody else.
class WithoutRoot {
 public:
  WithoutRoot() {
    if (was_root_ && ::seteuid(65534) != 0) throw std::runtime_error("seteuid");
  }
  ~WithoutRoot() {
    if (was_root_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  const bool was_root_ = ::geteuid() == 0;
};

/// All records of all chunks, in order.
std::vector<std::string> records(const Pieces& pieces, const Separators& separators, std::size_t block_bytes) {
  std::vector<std::string> found;
  RecordReader reader(separators, block_bytes);
  for (std::uint64_t chunk = 0; chunk < pieces.size(); ++chunk) {
    for (const Span& span : pieces[chunk]) {
      reader.open(span);
      for (auto block = reader.next(); !block.empty(); block = reader.next()) {
        std::string record;
        bool open = false;
        for (char c : block) {
          if (!separators.contains(c)) {
            record += c;
            open = true;
          } else {
            if (open || &separators == &newline) found.push_back(record);
            record.clear();
            open = false;
          }
        }
        if (open) found.push_back(record);
      }
    }
  }
  return found;
}

TEST(Inputs, SortsDirectoriesByBytesAsWholePathsAndKeepsTheOrderOfArguments) {
  TemporaryFolder folder;
  for (const char* name : {"d/b", "d/B", "d/a/z", "d/a-b", "d/a.txt", "d/\xc3\xa4", "e"}) folder.write(name, name);
  const std::string d = folder.path() / "d";
  const std::string e = folder.path() / "e";
  EXPECT_THAT(paths_of(Inputs({e, d, e})),
              ElementsAre(e, d + "/B", d + "/a-b", d + "/a.txt", d + "/a/z", d + "/b", d + "/\xc3\xa4", e));
}

TEST(Inputs, MakesPathsAbsoluteAndNormal) {
  TemporaryFolder folder;
  const std::string file = folder.write("x/file", "1");
  EXPECT_THAT(paths_of(Inputs({folder.path().string() + "/x/./../x//file"})), ElementsAre(file));
  EXPECT_THAT(paths_of(Inputs({folder.path().string() + "/x/"})), ElementsAre(file));
  const std::string relative = std::filesystem::relative(file);
  EXPECT_THAT(paths_of(Inputs({relative})), ElementsAre(file));
}

TEST(Inputs, RecordsSizeAndTime) {
  TemporaryFolder folder;
  const std::string file = folder.write("file", "12345");
  const ::timespec times[2] = {{1, 0}, {1'600'000'000, 123'456'789}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  const Inputs inputs({file});
  EXPECT_EQ(inputs.files().front().size, 5U);
  EXPECT_EQ(inputs.files().front().modified, 1'600'000'000'123'456'789);
}

TEST(Inputs, FollowsLinksToFilesAndPassesOverOtherLinksOfADirectory) {
  TemporaryFolder folder;
  const std::string target = folder.write("elsewhere/target", "1234");
  std::filesystem::create_directory(folder.path() / "d");
  std::filesystem::create_symlink(target, folder.path() / "d/link");
  std::filesystem::create_symlink("nowhere", folder.path() / "d/dangling");
  std::filesystem::create_directory_symlink(folder.path(), folder.path() / "d/loop");
  ASSERT_EQ(::mkfifo((folder.path() / "d/pipe").c_str(), 0600), 0);
  const Inputs inputs({folder.path() / "d"});
  EXPECT_THAT(paths_of(inputs), ElementsAre(folder.path() / "d/link"));
  EXPECT_EQ(inputs.files().front().size, 4U);
}

TEST(Inputs, PassOverStintsOwnFolderWhateverItsPath) {
  const TemporaryFolder folder;
  const auto link = folder.path() / "z.link";
  std::filesystem::create_directories(folder.path() / "data/home/runs");
  const std::string log = folder.write("data/home/runs/log", "own");
  folder.write("data/text", "input");
  std::filesystem::create_symlink(log, folder.path() / "data/log.link");
  std::filesystem::create_directory_symlink(folder.path() / "data/home", link);
  set_own_folder(link);
  EXPECT_THAT(paths_of(Inputs({folder.path() / "data"})), ElementsAre(folder.path() / "data/text"));
  set_own_folder("");
  EXPECT_EQ(paths_of(Inputs({folder.path() / "data"})).size(), 3U);
}

TEST(Inputs, RefuseWhatLiesInStintsOwnFolderByAnyName) {
  const TemporaryFolder folder;
  const std::string log = folder.write("home/runs/r/log", "own");
  const std::string other = folder.write("disk/text", "own, too");
  const std::string text = folder.write("text", "input");
  std::filesystem::create_directory_symlink(folder.path() / "disk", folder.path() / "home/data");
  std::filesystem::create_directory_symlink(folder.path() / "home", folder.path() / "home.link");
  std::filesystem::create_directory_symlink(folder.path() / "home/runs", folder.path() / "runs.link");
  std::filesystem::create_symlink(log, folder.path() / "log.link");
  const std::string list = folder.write("list", text + "\n" + folder.path().string() + "/log.link\n");
  set_own_folder(folder.path() / "home");
  for (const char* name : {"home", "home/", "home/runs", "home/runs/r/../r/log", "home/data", "home/data/text", "home.link",
                           "home.link/runs", "runs.link", "runs.link/r/log", "log.link"}) {
    EXPECT_THAT(bad_files(Inputs({folder.path() / name})), AllOf(HasSubstr("Stint keeps its own files"), HasSubstr("STINT_HOME"))) << name;
  }
  EXPECT_THAT(bad_files(Inputs({}, {list})), HasSubstr("log.link"));
  EXPECT_THAT(paths_of(Inputs({text, folder.path() / "disk"})), ElementsAre(text, folder.path() / "disk/text"));
  set_own_folder("");
}

TEST(Inputs, ReadsListsOfPaths) {
  TemporaryFolder folder;
  const std::string a = folder.write("a", "1");
  const std::string b = folder.write("d/b", "2");
  const std::string list = folder.write("list", a + "\n\n" + folder.path().string() + "/d");
  EXPECT_THAT(paths_of(Inputs({}, {list})), ElementsAre(a, b));
  EXPECT_THAT(paths_of(Inputs({b}, {list})), ElementsAre(b, a, b));
  EXPECT_THAT(bad_files(Inputs({}, {folder.write("empty", "\n")})), HasSubstr("names no file"));
  EXPECT_THAT(bad_files(Inputs({}, {folder.path() / "none"})), HasSubstr("No such file"));
  EXPECT_THAT(bad_files(Inputs({}, {folder.path()})), HasSubstr("Is a directory"));
}

TEST(Inputs, SaysInOneLineWhatIsWrongWithAFile) {
  TemporaryFolder folder;
  const std::string missing = folder.path() / "miss\ning";
  EXPECT_THAT(bad_files(Inputs({missing})),
              AllOf(HasSubstr("miss\\x0aing'"), HasSubstr("No such file"), HasSubstr("name a")));
  const std::string file = folder.write("file", "1");
  EXPECT_THAT(bad_files(Inputs({file + "/below"})), HasSubstr("Not a directory"));
  std::filesystem::create_directory(folder.path() / "empty");
  EXPECT_THAT(bad_files(Inputs({folder.path() / "empty"})), HasSubstr("no file in this directory"));
  ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(bad_files(Inputs({folder.path() / "pipe"})), HasSubstr("not a regular file"));
  EXPECT_THAT(bad_files(Inputs({""})), HasSubstr("empty name"));
  EXPECT_THAT(bad_files(Inputs()), HasSubstr("no input"));
}

TEST(Inputs, RefusesFilesAndFoldersWithoutTheRightToReadThem) {
  TemporaryFolder folder;
  const std::string file = folder.write("d/file", "1");
  folder.write("closed/file", "1");
  std::filesystem::permissions(folder.path(), std::filesystem::perms{0755});
  std::filesystem::permissions(file, std::filesystem::perms{0200});
  std::filesystem::permissions(folder.path() / "closed", std::filesystem::perms{0300});
  const WithoutRoot user;
  EXPECT_THAT(bad_files(Inputs({folder.path() / "closed"})),
              AllOf(HasSubstr("closed/'"), HasSubstr("Permission denied")));
  EXPECT_THAT(bad_files(Inputs({file})), AllOf(HasSubstr("Permission denied"), HasSubstr("right to read")));
  EXPECT_THAT(bad_files(Inputs({folder.path() / "d"})), HasSubstr("Permission denied"));
}

TEST(Pieces, CoversEveryByteOnceInOrder) {
  std::vector<InputFile> files;
  for (std::uint64_t size : {3, 0, 0, 10, 1, 0, 7}) files.push_back({std::to_string(files.size()), size, 0});
  for (std::uint64_t chunk_bytes = 1; chunk_bytes <= 25; ++chunk_bytes) {
    const auto pieces = archive::decode<Pieces>(archive::encode(Pieces(files, chunk_bytes)));
    ASSERT_EQ(pieces.size(), (21 + chunk_bytes - 1) / chunk_bytes);
    std::vector<std::uint64_t> next(files.size());
    std::size_t last = 0;
    std::uint64_t total = 0;
    for (std::uint64_t chunk = 0; chunk < pieces.size(); ++chunk) {
      std::uint64_t bytes = 0;
      for (const Span& span : pieces[chunk]) {
        const auto file = static_cast<std::size_t>(span.file - pieces.files().data());
        EXPECT_GE(file, last);
        last = file;
        EXPECT_EQ(span.offset, next[file]);
        EXPECT_GT(span.length, 0U);
        next[file] += span.length;
        bytes += span.length;
      }
      EXPECT_EQ(bytes, std::min<std::uint64_t>(chunk_bytes, 21 - chunk * chunk_bytes));
      total += bytes;
    }
    EXPECT_EQ(total, 21U);
  }
}

TEST(Pieces, OfNoBytesAreNone) {
  EXPECT_EQ(Pieces().size(), 0U);
  EXPECT_EQ(Pieces({{"a", 0, 0}}, 5).size(), 0U);
  EXPECT_THROW(Pieces({{"a", ~0ULL, 0}, {"b", 1, 0}}, 5), std::invalid_argument);
}

TEST(Pieces, AreBetweenOneAndSixtyFourMebibytesUnlessTold) {
  TemporaryFolder folder;
  const Inputs inputs({folder.write("a", std::string(3 << 20, 'x'))});
  EXPECT_EQ(pieces(inputs).size(), 3U);
  EXPECT_EQ(pieces(inputs, 1 << 19).size(), 6U);
}

TEST(RecordReader, GivesEveryWordOnceAndWholeForEveryCutAndBlock) {
  TemporaryFolder folder;
  using namespace std::string_literals;
  const Inputs inputs({folder.write("a", "the quick  brown\n\n fox"), folder.write("b", ""), folder.write("c", "   "),
                       folder.write("d", "jumps\0over\r\nthe lazy dog "s), folder.write("e", "x")});
  const std::vector<std::string> expected{"the", "quick", "brown", "fox", "jumps\0over"s, "the", "lazy", "dog", "x"};
  for (std::uint64_t chunk_bytes = 1; chunk_bytes <= 64; ++chunk_bytes) {
    for (std::size_t block_bytes : {16, 17, 1000}) {
      EXPECT_EQ(records(pieces(inputs, chunk_bytes), white_space, block_bytes), expected) << chunk_bytes;
    }
  }
}

TEST(RecordReader, GivesEveryLineOnceAndWholeTheEmptyOnesToo) {
  TemporaryFolder folder;
  const Inputs inputs(
      {folder.write("a", "\none\n\n\ntwo\nthree"), folder.write("b", "\n\n"), folder.write("c", "four\n")});
  const std::vector<std::string> expected{"", "one", "", "", "two", "three", "", "", "four"};
  for (std::uint64_t chunk_bytes = 1; chunk_bytes <= 64; ++chunk_bytes) {
    EXPECT_EQ(records(pieces(inputs, chunk_bytes), newline, 16), expected) << chunk_bytes;
  }
}

TEST(RecordReader, ReadsALongWordOnceFromTheChunkInWhichItBegins) {
  TemporaryFolder folder;
  const std::string word(3'000'001, 'w');
  const Inputs inputs({folder.write("a", "ab " + word + " cd " + word)});
  for (std::uint64_t chunk_bytes : {1000, 4096, 65'536, 1'000'000, 10'000'000}) {
    EXPECT_EQ(records(pieces(inputs, chunk_bytes), white_space, 4096),
              (std::vector<std::string>{"ab", word, "cd", word}));
  }
}

TEST(RecordReader, TellsWhereABlockBegins) {
  TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 2000; ++i) text += std::to_string(i * 7919) + (i % 5 == 0 ? "\n\n" : " ");
  const Inputs inputs({folder.write("a", text)});
  const Pieces cut = pieces(inputs, 333);
  RecordReader reader(white_space, 64);
  for (std::uint64_t chunk = 0; chunk < cut.size(); ++chunk) {
    reader.open(cut[chunk].front());
    for (auto block = reader.next(); !block.empty(); block = reader.next()) {
      EXPECT_EQ(text.compare(reader.offset(), block.size(), std::string_view(block.data(), block.size())), 0);
    }
  }
}

TEST(RecordReader, RefusesAFileThatChangedSinceItWasPlanned) {
  TemporaryFolder folder;
  const std::string file = folder.write("a", "some words");
  const Inputs inputs({file});
  const Pieces cut = pieces(inputs, 100);
  RecordReader reader;
  auto open = [&] { return bad_input_of([&] { reader.open(cut[0].front()); }); };
  folder.write("a", "some more words");
  EXPECT_THAT(open(), AllOf(HasSubstr(file), HasSubstr("changed since the run was planned"),
                            HasSubstr("10 bytes then, 15 now")));
  folder.write("a", "same words");
  const ::timespec times[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  EXPECT_THAT(open(), HasSubstr("its modification time"));
  std::filesystem::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_THAT(open(), HasSubstr("no regular file any more"));
}

// The rank that planned saw it: where it is missing now, this attempt fails, not the run.
TEST(RecordReader, NamesTheHostThatDoesNotSeeAFile) {
  TemporaryFolder folder;
  const std::string file = folder.write("a", "some words");
  const Pieces cut = pieces(Inputs({file}), 100);
  std::filesystem::remove(file);
  RecordReader reader;
  char host[256] = "";
  ASSERT_EQ(::gethostname(host, sizeof host), 0);
  try {
    reader.open(cut[0].front());
    FAIL() << "it was read";
  } catch (const BadInput&) {
    FAIL() << "it ends the run";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr(file), HasSubstr("No such file"), HasSubstr(std::string("on ") + host)));
  }
}

TEST(RecordReader, RefusesAFileThatIsCutShortWhileItIsRead) {
  TemporaryFolder folder;
  const std::string file = folder.write("a", std::string(10'000, 'x') + " " + std::string(10'000, 'y'));
  const Inputs inputs({file});
  const Pieces cut = pieces(inputs, 1 << 20);
  RecordReader reader(white_space, 4096);
  reader.open(cut[0].front());
  std::filesystem::resize_file(file, 5000);
  EXPECT_THAT(bad_input_of([&] {
                while (!reader.next().empty()) continue;
              }),
              AllOf(HasSubstr("changed since the run was planned"), HasSubstr("ends at byte 5000")));
  reader.open({&inputs.files().front(), 0, 0});
  EXPECT_TRUE(reader.next().empty());
}

}  // namespace
}  // namespace stint
