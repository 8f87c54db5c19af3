// SPDX-License-Identifier: Apache-2.0
// What the words of `stint run commands` name: a list, a command with values, or one whose values are on standard input;
// and what beside the list changes what a command does.
#include "commands/command_source.hpp"
#include "commands/commands.hpp"
#include "commands/settings.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <stint/error.hpp>
#include <stint/options.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace stint::commands {
namespace {

using Texts = std::vector<std::string>;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Standard input is a file, as long as this lives.
class StandardInput {
 public:
  explicit StandardInput(const std::string& path) : before_(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    ::dup2(file, STDIN_FILENO);
    ::close(file);
  }
  ~StandardInput() {
    if (before_ < 0) {
      ::close(STDIN_FILENO);
      return;
    }
    ::dup2(before_, STDIN_FILENO);
    ::close(before_);
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

 private:
  int before_;
};

class CommandSourceTest : public ::testing::Test {
 protected:
  CommandSourceTest() {
    list = folder.write("list", "echo one\n# none\necho two\n");
    script = folder.write("script.sh", "#!/bin/sh\necho $1\n");
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    values = folder.write("values", "p\nq\n");
  }
  static Texts texts(const CommandSource& source) {
    Texts all;
    const auto read = source.read();
    for (std::uint64_t number = 1; number <= read.list.size(); ++number) all.emplace_back(read.list.text(number));
    return all;
  }
  static std::string refusal(const CommandSource& source) {
    try {
      (void)source.read();
    } catch (const BadInput& error) {
      return error.what();
    }
    return "no error";
  }
  support::TemporaryFolder folder;
  std::string list, script, values;
};

TEST_F(CommandSourceTest, ReadsStandardInputOnlyWhereItIsMeant) {
  const std::pair<Texts, Texts> table[] = {
      {{list}, {list}},
      {{"-"}, {"-"}},
      {{"/dev/stdin"}, {"/dev/stdin"}},
      {{}, {"-"}},
      {{"echo", "{}"}, {"-"}},
      {{"echo {}"}, {"-"}},
      {{"gzip -k"}, {"-"}},
      {{"true"}, {"-"}},  // a program, and no file of that name
      {{folder.path() / "missing"}, {folder.path() / "missing"}},
      {{"tar", "-cf", "-", "{}", ":::", "a"}, {}},
      {{"tar", "-cf", "-", "{}"}, {"-"}},
      {{"-", ":::", "a"}, {}},
      {{"echo", ":::", "-"}, {}},
      {{"echo", "::::", "-"}, {"-"}},
      {{"echo", "::::", values, "/dev/stdin", ":::", "-"}, {values, "/dev/stdin"}},
      {{":::", "echo a"}, {}}};
  for (const auto& [words, paths] : table) {
    EXPECT_EQ((CommandSource{words, {}, false}.paths()), paths) << (words.empty() ? "" : words.front());
  }
  EXPECT_THAT((CommandSource{{"echo", "{}"}, {values}, false}.paths()), ElementsAre(values));
  EXPECT_THAT((CommandSource{{"echo", "::::", list}, {values, "-"}, false}.paths()), ElementsAre(values, "-", list));
}

TEST_F(CommandSourceTest, MakesTheCommands) {
  EXPECT_THAT(texts({{list}, {}, false}), ElementsAre("echo one", "echo two"));
  EXPECT_THAT(texts({{"echo", "{}", "::::", values}, {}, false}), ElementsAre("echo p", "echo q"));
  EXPECT_THAT(texts({{"echo", "{}"}, {values}, false}), ElementsAre("echo p", "echo q"));
  EXPECT_THAT(texts({{"echo", "{1}{2}", ":::", "a"}, {values}, false}), ElementsAre("echo pa", "echo qa"));
  EXPECT_THAT(texts({{"echo", "{1}{2}{3}", ":::", "a"}, {values, values}, false}),
              ElementsAre("echo ppa", "echo pqa", "echo qpa", "echo qqa"))
      << "each file is a source of its own, as with GNU parallel's -a";
  EXPECT_THAT(texts({{":::", "echo a", "ls"}, {}, false}), ElementsAre("echo a", "ls"));
  EXPECT_THAT(texts({{"echo", ":::", "[a,b]"}, {}, false}), ElementsAre("echo '[a,b]'"));
  const StandardInput input(values);
  EXPECT_THAT(texts({{"echo", "{}"}, {}, false}), ElementsAre("echo p", "echo q"));
}

TEST_F(CommandSourceTest, TakesWindowsFilesForValuesAsForLists) {
  const auto of_windows = folder.write("windows", "\xef\xbb\xbf" "p\r\nq\r\n");
  EXPECT_THAT(texts({{of_windows}, {}, false}), ElementsAre("p", "q"));
  EXPECT_THAT(texts({{"echo", "::::", of_windows}, {}, false}), ElementsAre("echo p", "echo q"));
  EXPECT_THAT(texts({{"echo"}, {of_windows}, false}), ElementsAre("echo p", "echo q"));
}

TEST_F(CommandSourceTest, EndsValuesInANulByteWhereTold) {
  const auto nul = folder.write("nul", std::string("a\nb\0\r\n\0c", 8));
  EXPECT_THAT(texts({{"echo", "::::", nul}, {}, true}), ElementsAre("echo 'a\nb'", "echo '\r\n'", "echo c"));
  EXPECT_THAT(texts({{"echo", ":::", "a\nb"}, {}, true}), ElementsAre("echo 'a\nb'"));
  EXPECT_THROW(texts({{"echo", "::::", nul}, {}, false}), std::invalid_argument);
}

TEST_F(CommandSourceTest, RefusesWhatIsNeitherInOneLine) {
  EXPECT_THAT(refusal({{folder.path() / "missing"}, {}, false}), HasSubstr("No such file"));
  EXPECT_THROW(texts({{"echo"}, {"-", "-"}, false}), std::invalid_argument) << "it can be read only once";
  EXPECT_THAT(refusal({{"no-such-name"}, {}, false}),
              HasSubstr("'no-such-name' is neither a file of commands nor a program"));
  EXPECT_THAT(refusal({{folder.path()}, {}, false}), HasSubstr("directory"));
  EXPECT_THAT(refusal({{list, "second"}, {}, false}), HasSubstr("'second' follows a FILE of commands"));
  EXPECT_THAT(refusal({{script}, {}, false}), AllOf(HasSubstr("is a program"), HasSubstr(" {}'")));
}

TEST_F(CommandSourceTest, SaysWhatIsMissingWhereNobodyGivesValues) {
  const StandardInput input("/dev/null");
  const auto forgotten = CommandSource{{"echo", "hello"}, {}, false}.read();
  EXPECT_FALSE(forgotten.is_there);
  EXPECT_THAT(forgotten.missing, AllOf(HasSubstr("'echo hello' has no values"), HasSubstr(":::")));
  EXPECT_THAT((CommandSource{{}, {}, false}.read().missing), HasSubstr("no commands: give a FILE"));
  EXPECT_EQ((CommandSource{{"-"}, {}, false}.read().missing), "") << "whoever writes - means it";
}

TEST_F(CommandSourceTest, TakesVariablesFromAFile) {
  EXPECT_THAT(variables_of("A=1\n\n# none\nB=x=y\nC=\n", "f"), ElementsAre("A=1", "B=x=y", "C="));
  for (const auto& text : {std::string("A"), std::string("=1"), std::string(" \n"), std::string("A=\0", 3)}) {
    EXPECT_THROW(variables_of(text, "f"), BadInput) << text;
  }
}

// The same list with another --workdir or other variables is another run; the same variables elsewhere are not.
TEST_F(CommandSourceTest, KnowsWhatChangesWhatACommandDoes) {
  struct Job {
    Commands job;
    Options options;
    Job() { job.options(options); }
    Job& set(const std::string& name, const Texts& texts) {
      for (const auto& entry : options.entries()) {
        if (entry.name == name) entry.set(texts);
      }
      return *this;
    }
    std::string content() {
      std::string all;
      for (const auto& entry : options.entries()) {
        if (entry.kind != OptionKind::content) continue;
        all += entry.name + "=" + (entry.shown ? entry.shown() : entry.get().empty() ? "" : entry.get().front()) + "\n";
      }
      return all;
    }
  };
  ::unsetenv("STINT_SHELL");
  const auto with = [](const std::string& name, const std::string& text) { return Job().set(name, {text}).content(); };
  const auto plain = Job().content();
  const auto a = folder.write("a.env", "A=secret\n");
  EXPECT_NE(with("workdir", folder.path()), plain);
  EXPECT_EQ(with("workdir", folder.path()), with("workdir", folder.path().string() + "/./"  "."));
  EXPECT_NE(with("env-from", a), plain);
  EXPECT_EQ(with("env-from", a), with("env-from", folder.write("b.env", "\xef\xbb\xbf" "A=secret\r\n")));
  EXPECT_NE(with("env-from", a), with("env-from", folder.write("c.env", "A=other\n")));
  EXPECT_THAT(with("env-from", a), Not(HasSubstr("secret")));
  ::setenv("STINT_SHELL", "/bin/bash", 1);
  EXPECT_NE(Job().content(), plain);
  ::setenv("STINT_SHELL", "/bin/sh", 1);
  EXPECT_EQ(Job().content(), plain) << "the default, written out";
  ::unsetenv("STINT_SHELL");

  // Another rank, or a later call, has the variables as they were, without the file.
  Job first, later;
  first.set("env-from", {a});
  for (const auto& entry : first.options.entries()) later.set(entry.name, entry.get());
  folder.write("a.env", "A=changed\n");
  EXPECT_EQ(later.content(), first.content());
  later.set("env-from", {folder.write("d.env", "A=changed\n")});
  EXPECT_NE(later.content(), first.content());
}

}  // namespace
}  // namespace stint::commands
