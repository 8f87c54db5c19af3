// SPDX-License-Identifier: Apache-2.0
// The text part of the job `commands`. The table is run through GNU parallel as well (`--dry-run`, so nothing is run),
// byte for byte; without GNU parallel that one test is skipped.
#include "commands/arguments.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace stint::commands {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Texts = std::vector<std::string>;

const std::map<std::string, std::string>& files() {
  static const std::map<std::string, std::string> all = {{"lines", "a\n\nb\r\n\tc d\nlast"},
                                                         {"two", "1\n2\n"},
                                                         {"blank", "\n"},
                                                         {"empty", ""},
                                                         {"-", "from\nstandard input\n"}};
  return all;
}

Words parsed(const Texts& words) {
  return parse_words(words, [](const std::string& path) { return files().at(path); });
}

std::string expanded(const Texts& command, const Texts& arguments) { return Template(command).expand(arguments, 7); }

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

/// A folder with the files above, as long as it lives.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "stint-arguments-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
    for (const auto& [file, text] : files()) std::ofstream(path_ / file, std::ios::binary) << text;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// What a program writes on stdout when it is run here, without a shell. Empty if it cannot be run.
  [[nodiscard]] std::string output(Texts words) const {
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, path_.c_str());
    posix_spawn_file_actions_addopen(&actions, 0, "./-", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    pid_t process = 0;
    const int error = posix_spawnp(&process, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    std::string text;
    char piece[4096];
    for (ssize_t size = 0; (size = read(ends[0], piece, sizeof piece)) > 0;) {
      text.append(piece, static_cast<std::size_t>(size));
    }
    close(ends[0]);
    if (error == 0) waitpid(process, nullptr, 0);
    return text;
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// `words`, `:::` and the values.
Texts with(Texts words, const Texts& values) {
  words.push_back(":::");
  words.insert(words.end(), values.begin(), values.end());
  return words;
}

/// Each byte but NUL and the line end, between `before` and `after`.
Texts each_byte(const std::string& before, const std::string& after) {
  Texts texts;
  for (int byte = 1; byte < 256; ++byte) {
    if (byte != '\n') texts.push_back(before + static_cast<char>(byte) + after);
  }
  return texts;
}

// clang-format off
const Texts paths = {
    "a.tar.gz", ".hidden", "dir/", "/", "a/b.c/d", "./x", "..", "", "a/.hid", "a//b", "a/b/", "//", "/a", "/a.b", "a.",
    "a/.", "a.b/", "//a", "a b/c d.e f", "...", ".", "a..b", "./.x.y", "~/x", "///", "a///", "a///b", "/a/", "/.a",
    "//a/b", "a/..", "../a", "./", "//a//b", "/..", "é/ü.ö", "it's/x.y", "\xff/\xfe.\xfd", "a\n/b.c"};
const Texts awkward = {
    "", "a b", "it's", "''", "'''", "'a'b'", "' '", "a''b", "~a", "=a", "a=b", "{}", "{.}.x", "{1}", "{#}", "{%}", "-n",
    "--", "a,b", "$HOME", "`id`", "\"\\\"", "\\n", "a\nb", "x\n", "\n", "!", "#", "{=1=}", "€", "\xff\xfe", "\t", " ",
    "a\\"};
// clang-format on
const Texts few = {"a b", "it's", "", "x.y/z.w", "$A;{}"};

/// The words after `parallel`, which takes 150 ms to start, and 7 ms for a value: so values share a row.
std::vector<Texts> table() {
  const Texts two = {":::", "A 1", "b/c.d", ":::", "X", "Y.y"};
  const auto pairs = [&](Texts words) {
    words.insert(words.end(), two.begin(), two.end());
    return words;
  };
  return {
      // Values, and what is made of them.
      with({"echo {}"}, each_byte("", "")),
      with({"echo", "{}"}, awkward),
      with({"echo", "{}", "{.}", "{/}", "{//}", "{/.}", "{#}"}, paths),
      with({"echo '{}' \"{.}\" `{/}` $({//}) x{}y{} {{}} {{.}} {1}} ${x} {.}.{/.}"}, awkward),
      // When the command begins with a value, none is quoted.
      with({"{}"}, few),
      with({"./{/}.sh", "{}"}, few),
      with({"{#} {}\nx"}, few),
      with({"", "{}"}, few),
      with({"{foo}", "x"}, few),
      with({"\t{}"}, {"a b"}),
      with({"{3} {}"}, {"a b"}),
      with({}, {"echo {} {#}", "a'b", "", "x;y"}),
      // Several sources, positions.
      pairs({"echo"}),
      pairs({"echo  x", "", "c;d", "'q r'"}),
      pairs({"{1}{2}"}),
      pairs({}),
      pairs({"echo {2} {1} {-1} {-2} {3} {-3} {-4} {-5} {-6} {0} {00} {-0} {01} {-01} {12345678901234567890}\n"
             "{2.} {1/} {-1//} {-2/.} {3.} {-3/} {0.} {0//} {1.} {1//} {1/.} {2/}{2/}{-2.}{1}{1}\n"
             "{1#} {2%} {0#} {#} {1 } {1\t.} {2\n/} {-1 //} {-99999999999999999999}\n"
             "{} { 1} {1. } {.1} {--1} {-} {-.} {1.5} {1,2} {1-} {#1} {..} {/..} {+/} {1/./} {1///} {1x}\n"
             "{.}-{/}-{//}-{/.} '{}' x{}y {}{} {1=}\n"
             "{} =} {= {}={}={#}= {=1} {"}),
      pairs({"echo", "{1", "}"}),
      {"echo {-1}{-2}{-3} {-4}{-5}{-6} {-7}{4}", ":::", "a", ":::", "b", ":::", "c", "d"},
      {"echo {-1} {-2} {-3} {2}", ":::", "a", "b"},
      // Linked ones.
      {"echo", ":::", "a", "b", ":::+", "x", "y", "z", ":::", "1", "2"},
      {"echo", ":::", "1", "2", ":::", "a", "b", "c", ":::+", "x", "y", ":::+", "p", "q", "r"},
      {"echo {2} {1}", ":::+", "a", "b", ":::+", "x"},
      {"echo", ":::", "a\nb", "c", ":::+", "x\n", ":::", "1\n\n2"},
      // Empty ones.
      {"echo", ":::", ":::", ":::+"},
      {"echo", ":::", "a", "b", ":::", ":::+", "x", "y"},
      {"echo", ":::", "", ":::", ""},
      {"echo", "::::", "empty", "empty", "::::+", "empty"},
      {"echo", "::::", "empty", "two", "::::+", "empty"},
      // Files.
      {"echo", "::::", "lines", "two", "blank"},
      {"echo", ":::", "x", "y", "::::+", "two", "lines", ":::", "c"},
      {"echo", "::::+", "lines", "two", ":::+", "a", "b", "c"},
      {"echo", ":::", "a", "b", "::::", ":::+", "x", "y"},
      {"echo", "::::", "-", "::::+", "two"},
      {"::::", "lines"},
  };
}

TEST(CommandsArgumentsTest, GivesTheSameCommandsAsGnuParallel) {
  const Folder folder;
  setenv("PARALLEL_HOME", folder.path().c_str(), 1);
  setenv("PARALLEL_SHELL", "/bin/sh", 1);
  if (folder.output({"parallel", "--version"}).find("GNU parallel") == std::string::npos) {
    GTEST_SKIP() << "GNU parallel is not installed, and the comparison needs it: apt-get install parallel";
  }
  const Texts start = {"parallel", "--will-cite", "--plain", "--dry-run", "-k", "-j1"};
  const std::vector<Texts> rows = table();
  Texts theirs(rows.size());
  std::atomic<std::size_t> next = 0;
  const auto ask = [&] {
    for (std::size_t at = 0; (at = next++) < rows.size();) {
      Texts call = start;
      call.insert(call.end(), rows[at].begin(), rows[at].end());
      theirs[at] = folder.output(call);
    }
  };
  std::thread second(ask);  // two at a time, or it takes long
  ask();
  second.join();
  std::size_t commands = 0;
  for (std::size_t at = 0; at < rows.size(); ++at) {
    const Words split = parsed(rows[at]);
    const Template line(split.command);
    std::string ours;
    std::uint64_t number = 0;
    for (const Texts& arguments : combinations(split.sources)) ours += line.expand(arguments, ++number, "1") + "\n";
    EXPECT_EQ(ours, theirs[at]) << testing::PrintToString(split.command);
    commands += number;
  }
  EXPECT_GE(commands, 450U);

  // With -0 a value may have line ends.
  const Texts values = {"a\nb", "\n",    "\n\n", "x.y\n",  "x.y\nz", "a/b\nc.d\n",
                        "'\n'", "\n'\n", ".\n",  "a\n.b/", "/\n/"};
  std::string ours;
  for (const std::string& value : values) ours += expanded({"echo {} {.} {//}"}, {value}) + "\n";
  Texts call = start;
  call.push_back("-0");
  for (const std::string& word : with({"echo {} {.} {//}"}, values)) call.push_back(word);
  EXPECT_EQ(ours, folder.output(call)) << "line ends in values";
}

TEST(CommandsArgumentsTest, QuotesWhatTheShellsGiveBack) {
  const Folder folder;
  Texts values = awkward;
  for (const Texts& more : {each_byte("", ""), each_byte("a", "b"), paths}) {
    values.insert(values.end(), more.begin(), more.end());
  }
  std::string script = "printf '<%s>'", shown;
  for (const std::string& value : values) {
    script += " " + quote(value);
    shown += "<" + value + ">";
  }
  EXPECT_EQ(folder.output({"sh", "-c", script}), shown);
  EXPECT_EQ(folder.output({"bash", "-c", script}), shown);
  EXPECT_EQ(quote("plain-word_1.2/x+"), "plain-word_1.2/x+");
  EXPECT_EQ(quote("it's"), R"('it'"'"'s')");
  EXPECT_EQ(quote(""), "''");
}

TEST(CommandsArgumentsTest, SplitsWordsAtTheSeparators) {
  EXPECT_EQ(parsed({"echo", "x"}), (Words{{"echo", "x"}, {}}));
  EXPECT_EQ(parsed({"echo", ":::", "a", "b", ":::+", "x"}), (Words{{"echo"}, {{{"a", "b"}, false}, {{"x"}, true}}}));
  EXPECT_EQ(parsed({"::::", "two", "blank", "::::+", "two"}),
            (Words{{}, {{{"1", "2"}, false}, {{""}, false}, {{"1", "2"}, true}}}));
  EXPECT_EQ(parsed({":::", "a\nb", "", ":::"}), (Words{{}, {{{"a", "b", ""}, false}, {{}, false}}}));
  EXPECT_EQ(parsed({"x:::", ":::y", ":::"}), (Words{{"x:::", ":::y"}, {{{}, false}}})) << "only whole words separate";
}

TEST(CommandsArgumentsTest, ReadsTheValuesOfAList) {
  EXPECT_THAT(list_of_values("a\n\nb\r\n c", "l"), ElementsAre("a", "", "b\r", " c"));
  EXPECT_THAT(list_of_values("", "l"), IsEmpty());
  EXPECT_EQ(error_of([] { list_of_values(std::string("a\nb\0c\n", 6), "my.list"); }),
            "line 2 of my.list has a NUL byte, which no command can take; give one text a line, or --null where that "
            "byte ends each of them");
  EXPECT_THAT(error_of([] { parsed({"::::", "-", "-"}); }), HasSubstr("'-' is given twice"));
}

TEST(CommandsArgumentsTest, CombinesSources) {
  EXPECT_THAT(combinations({}), IsEmpty());
  EXPECT_THAT(combinations({{{}, false}}), IsEmpty());
  EXPECT_THAT(combinations({{{}, false}, {{}, true}}), IsEmpty());
  EXPECT_THAT(combinations({{{"1", "2"}, false}, {{"x", "y"}, false}}),
              ElementsAre(Texts{"1", "x"}, Texts{"1", "y"}, Texts{"2", "x"}, Texts{"2", "y"}));
  EXPECT_THAT(combinations({{{"1", "2"}, false}, {{"x", "y", "z"}, true}}),
              ElementsAre(Texts{"1", "x"}, Texts{"2", "y"}))
      << "as far as the shortest";
  EXPECT_THAT(combinations({{{"1", "2"}, false}, {{}, false}}), ElementsAre(Texts{"1", ""}, Texts{"2", ""}));
}

TEST(CommandsArgumentsTest, FillsInTheTemplate) {
  EXPECT_EQ(expanded({"echo"}, {"a b", "c"}), "echo 'a b' c");
  EXPECT_EQ(expanded({"cp", "{}", "{2//}/{1/.}.bak"}, {"d/x.c", "e/y"}), "cp d/x.c e/y e/x.bak");
  EXPECT_EQ(expanded({"{}"}, {"ls | wc"}), "ls | wc") << "shell text at the beginning is not quoted";
  EXPECT_EQ(expanded({}, {"ls", "-l x"}), "ls -l x");
  EXPECT_EQ(expanded({"echo", "{other}", "{#}", "{%}", "{3}."}, {"a"}), "echo {other} 7 {%} .");
  const Template slot({"gpu", "{%}", "{}"});
  EXPECT_TRUE(slot.uses_slot());
  EXPECT_EQ(slot.expand({"{%}"}, 1, "3"), "gpu 3 '{%}'") << "that of a value stays";
  EXPECT_FALSE(Template({"echo {}"}).uses_slot());
}

TEST(CommandsArgumentsTest, GivesTheWordsOfAProgramWhateverTheValuesHold) {
  const struct {
    Texts command, values, words;  // no words: a shell is needed
  } cases[] = {
      {{"echo", "{}"}, {R"(a\\b)"}, {"echo", R"(a\\b)"}},
      {{"echo", "{}"}, {"$(rm -rf ~) 'x' \"*\""}, {"echo", "$(rm -rf ~) 'x' \"*\""}},
      {{"echo", "{}"}, {"-n"}, {"echo", "-n"}},
      {{"echo"}, {"a  b"}, {"echo", "a  b"}},
      {{"echo  {}\tx{}y"}, {"a b"}, {"echo", "a b", "xa by"}},
      {{"cp", "{1}", "{2/}.{#}", "{3}"}, {"a", "/b/c"}, {"cp", "a", "c.7"}},
      {{"cat", "{}", "-{}-"}, {"", "x"}, {"cat", "", "x", "-", "x-"}},
      {{"gzip", "-k", "{.}.{%}"}, {"f'.txt"}, {"gzip", "-k", "f'.2"}},
      {{"echo", "-e", "{}"}, {"x"}, {}},
      {{"{}", "-v"}, {"x"}, {}},
      {{"A=1", "env", "{}"}, {"x"}, {}},
      {{"cat {} | wc"}, {"x"}, {}},
      {{"cd", "{}"}, {"x"}, {}},
      {{}, {"echo x"}, {}}};
  for (const auto& each : cases) {
    const auto words = Template(each.command).words(each.values, 7, "2");
    EXPECT_EQ(words.value_or(Texts{}), each.words) << ::testing::PrintToString(each.command);
  }
}

TEST(CommandsArgumentsTest, RefusesPerl) {
  const std::string message = error_of([] { Template({"echo", "{=2", "$_++\n", "=}", "{}"}); });
  EXPECT_THAT(message, HasSubstr("'{=2 $_++  =}' is Perl"));
  EXPECT_THAT(message, HasSubstr("use {} {.}"));
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(CommandsArgumentsTest, ReadsAListOfCommands) {
  EXPECT_THAT(list_of_commands("#!/bin/sh\n\na 1\n  # no\n\t \r\n  b # yes\nlast"),
              ElementsAre("a 1", "  b # yes", "last"));
  EXPECT_THAT(list_of_commands(""), IsEmpty());
  EXPECT_THAT(error_of([] { list_of_commands(std::string("# a\0\nb", 6)); }),
              HasSubstr("line 1 of the list of commands"));
}

TEST(CommandsArgumentsTest, RunsOnlyPlainWordsWithoutAShell) {
  for (const char* plain :
       {"./run 1 --seed=3 -o out/1.txt", "sleep 1", "/bin/pwd", " a\tb ", "x a=b", "echo a 50%", "true"}) {
    EXPECT_FALSE(needs_shell(plain)) << plain;
  }
  for (const char* other :
       {"",         " ",           "A=1 x",   "cd d",     ": x",    ". x",    "exec x",    "exit 3",
        "export A", "ulimit -n 5", "umask 0", "set x",    "eval x", "type x", "command x", "time x",
        "if",       "pwd",         "test 1",  "printf x", "kill 1", "%1",     "echo -e x", "true --help",
        "x 'a'",    "x \"a\"",     "x $A",    "x `a`",    "x \\a",  "x *",    "x a?",      "x [a]",
        "x ~",      "x #a",        "x;y",     "x|y",      "x&",     "x<y",    "x>y",       "x (a)",
        "x {a,b}",  "x !",         "x\ny",    "x\n",      "x\r",    "x \x01", "x ä",       "x ^"}) {
    EXPECT_TRUE(needs_shell(other)) << other;
  }
  EXPECT_THAT(plain_words(" ./run\t 1  --seed=3 "), ElementsAre("./run", "1", "--seed=3"));
}

TEST(CommandsArgumentsTest, SplitsPlainWordsAsTheShellsDo) {
  const Folder folder;
  std::string script, shown;
  for (const std::string& middle : each_byte("", "")) {
    const std::string command = "printf_ a" + middle + "b " + middle + " " + middle + "c";
    if (needs_shell(command)) continue;
    script += "printf_() { printf '<%s>' \"$@\"; }; " + command + "\n";
    for (const std::string& word : plain_words(command)) shown += word == "printf_" ? "" : "<" + word + ">";
  }
  EXPECT_GE(shown.size(), 500U);
  EXPECT_EQ(folder.output({"sh", "-c", script}), shown);
  EXPECT_EQ(folder.output({"bash", "-c", script}), shown);
}

}  // namespace
}  // namespace stint::commands
