// SPDX-License-Identifier: Apache-2.0
// Which words of `stint run …` are options of Stint, and which are the user's, whatever they look like. The parser that
// takes the options is the real one, so that nothing of the user's reaches it either.
#include "base/error.hpp"
#include "cli/command_words.hpp"
#include "cli/foreign_options.hpp"
#include "cli/job_options.hpp"
#include "cli/run_flags.hpp"
#include "cli/suggestion.hpp"

#include <gmock/gmock.h>

#include <stint/input.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace stint {
namespace {

using Texts = std::vector<std::string>;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CommandWordsTest : public ::testing::Test {
 protected:
  CommandWordsTest() {
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.require_subcommand(0, 1);
    run = app.add_subcommand("run");
    add_new_run_options(*run, run_options);
    add_run_options(*run, run_options);
    run->fallthrough(false);
    of_commands.add_words("COMMAND", words, "").add_word("each", "FILE", each, "").add("tag", tag, "").add("null", null, "");
    of_commands.add_folder("workdir", workdir, "");
    of_files.add_files(files, "").add_files_from("files-from", files, "").add("top", top, "", OptionKind::result).add_seconds("rest", rest, "");
    for (auto [name, options] : {std::pair{"commands", &of_commands}, std::pair{"wordcount", &of_files}}) {
      jobs.push_back({run->add_subcommand(name), options});
      jobs.back().app->fallthrough();
      add_job_options(*jobs.back().app, *options);
    }
  }

  /// Parses what follows `stint run`, as main does.
  CommandWords parse(const Texts& given) {
    auto split = split_words(given, *run, jobs);
    Texts all = split.options;
    all.insert(all.begin(), "run");
    std::ranges::reverse(all);
    app.parse(std::move(all));
    if (split.job != nullptr) set_positional(split.job == &jobs[0] ? of_commands : of_files, split.positional);
    return split;
  }
  std::string refusal(const Texts& given) {
    try {
      parse(given);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "no error";
  }

  CLI::App app;
  CLI::App* run = nullptr;
  RunOptions run_options;
  Options of_commands, of_files;
  std::vector<JobParser> jobs;
  Texts words, each;
  std::string workdir;
  bool tag = false, null = false;
  Inputs files;
  std::uint64_t top = 20;
  double rest = 0;
};

// What is behind the first word of the command is the command's.
TEST_F(CommandWordsTest, LeaveTheUsersCommandToTheUser) {
  const Texts table[] = {{"grep", "-v", "3", "{}", ":::", "f"},
                         {"head", "-n", "2", "{}"},
                         {"grep", "-q", "x", "{}"},
                         {"gzip", "-k", "{}", ":::", "a.txt", "b.txt"},
                         {"ls", "--help"},
                         {"cmd", "--", "--threads", "3"},
                         {"echo", "[a,b]", "[]", "[", ":::", "[a,b]", "[x]", ":"},
                         {":::", "-h", "-q", "-v", "-n", "--", "++", "--x=1", "--board", "-"},
                         {"run", "rerun", "ls", "wordcount"},
                         {"tar", "-cf", "-", "{}"},
                         {"", "--fresh"},
                         {"-"}};
  for (const auto& command : table) {
    Texts given{"-v", "commands", "--tag"};
    given.insert(given.end(), command.begin(), command.end());
    words.clear();
    EXPECT_EQ(parse(given).positional, command);
    EXPECT_EQ(words, command);
  }
  EXPECT_TRUE(tag);
  EXPECT_TRUE(run_options.verbose);
  EXPECT_FALSE(run_options.fresh || run_options.quiet);
  EXPECT_EQ(run_options.ranks, 0);
}

TEST_F(CommandWordsTest, TakeOptionsBeforeTheCommand) {
  parse({"-n", "4", "-vq", "commands", "--each", "--tag", "-n3", "--threads=2", "--workdir", "/a/./b", "grep", "-n"});
  EXPECT_EQ(run_options.ranks, 3) << "the last of a repeated option";
  EXPECT_EQ(run_options.threads, 2);
  EXPECT_THAT(each, ElementsAre("--tag")) << "the word behind an option with a value is that value";
  EXPECT_EQ(workdir, "/a/b");
  EXPECT_THAT(words, ElementsAre("grep", "-n"));
}

TEST_F(CommandWordsTest, TakeEachOfTheListsThatAreGiven) {
  parse({"commands", "-a", "one", "--each", "two", "--each=[t,3]", "x"});
  EXPECT_THAT(each, ElementsAre("one", "two", "[t,3]"));
  parse({"wordcount", "--files-from", "/one", "--files-from=/two"});
  EXPECT_THAT(files.list_files, ElementsAre("/one", "/two"));
}

TEST_F(CommandWordsTest, TakeNoWordForAnEmptyValue) {
  const auto split = split_words({"--output=", "commands", "--each=", "echo"}, *run, jobs);
  EXPECT_THAT(split.options, ElementsAre("--output", "", "commands", "--each", ""));
  EXPECT_THAT(split.positional, ElementsAre("echo"));
}

TEST_F(CommandWordsTest, LetTwoDashesEndTheOptions) {
  parse({"commands", "--tag", "--", "--odd-program", "{}", ":::", "1"});
  EXPECT_THAT(words, ElementsAre("--odd-program", "{}", ":::", "1"));
  parse({"wordcount", "a", "--top", "3", "--", "--top", "-x"});
  EXPECT_EQ(top, 3u);
  ASSERT_EQ(files.paths.size(), 3u);
  EXPECT_THAT(files.paths[1], HasSubstr("/--top"));
}

TEST_F(CommandWordsTest, TakeOptionsBehindFiles) {
  parse({"wordcount", "[a,b]", "--top", "3", "c", "--threads", "2", "--rest", "1h30m"});
  EXPECT_EQ(top, 3u);
  EXPECT_EQ(rest, 5400);
  EXPECT_EQ(run_options.threads, 2);
  ASSERT_EQ(files.paths.size(), 2u) << "[a,b] is one name";
  EXPECT_TRUE(files.paths[0].ends_with("/[a,b]"));
}

TEST_F(CommandWordsTest, SplitNoValueAtItsCommas) {
  parse({"--output", "[a,b]", "--run-id=[c,d]", "commands", "--each", "[e,f]", "x"});
  EXPECT_EQ(run_options.output, "[a,b]");
  EXPECT_EQ(run_options.run_id, "[c,d]");
  EXPECT_THAT(each, ElementsAre("[e,f]"));
}

TEST_F(CommandWordsTest, TakeOptionsOfOtherProgramsAsOurs) {
  parse({"-j4", "--bar", "commands", "-k", "-0", "--resume", "-a", "list", "--wd", "/x", "-I{}", "-I", "{}", "cmd", "-j", "5"});
  EXPECT_EQ(run_options.threads, 4);
  EXPECT_TRUE(run_options.progress);
  EXPECT_TRUE(null);
  EXPECT_THAT(each, ElementsAre("list"));
  EXPECT_EQ(workdir, "/x");
  EXPECT_THAT(words, ElementsAre("cmd", "-j", "5"));
  parse({"-np", "3", "--jobs=2", "--eta", "commands", "x"});
  EXPECT_EQ(run_options.ranks, 3);
  EXPECT_EQ(run_options.threads, 2);
  parse({"-P", "7", "wordcount", "a"});
  EXPECT_EQ(run_options.threads, 7);
}

TEST_F(CommandWordsTest, AnswerWhatIsNotThereWithWhatIs) {
  const std::pair<Texts, const char*> table[] = {
      {{"--thraeds", "3", "commands", "x"}, "there is no option --thraeds; did you mean --threads?"},
      {{"commands", "--treads=3", "x"}, "--treads; did you mean --threads?"},
      {{"commands", "--tga", "x"}, "--tga; did you mean --tag?"},
      {{"--tag", "commands", "x"}, "--tag is an option of the job commands: it stands behind that name"},
      {{"--verb", "commands", "x"}, "did you mean --verbose?"},
      {{"commands", "--zyxwv", "x"}, "there is no option --zyxwv (see stint run commands --help)"},
      {{"-Z", "commands"}, "there is no option -Z (see stint run --help)"},
      {{"commands", "--pipe", "wc"}, "there is no option --pipe: commands have no standard input; cut"},
      {{"commands", "-N2", "echo"}, "there is no option -N: a command gets one value of each source"},
      {{"commands", "-S", "host", "echo"}, "--hostfile"},
      {{"commands", "--crash-limit=3", "echo"}, "there is no option --crash-limit: a command that was alone"},
      {{"commands", "--from-json", "f", "echo"}, "jq -c '.[]' FILE | stint run commands"},
      {{"commands", "--resume-failed", "echo"}, ": stint rerun RUN -n N"},
      {{"commands", "-I", "%", "echo"}, "write {}"},
      {{"commands", "-u", "echo"}, "--unordered"},
      {{"wordcount", "-0", "f"}, "there is no option -0"},
      {{"wordcont", "f"}, "wordcont"},
  };
  for (const auto& [given, answer] : table) EXPECT_THAT(refusal(given), HasSubstr(answer)) << given.front();
}

TEST_F(CommandWordsTest, ChangeOnlyNamesWhereNoJobIsNamed) {
  EXPECT_THAT(in_our_words({"rerun", "last", "-j", "4", "--timeout", "-3%", "--mpirun", "-j 2"}, *run),
              ElementsAre("rerun", "last", "--threads", "4", "--timeout", "-3%", "--mpirun", "-j 2"));
}

TEST(ForeignVerb, IsOneOfOurs) {
  for (const auto& [word, ours] : std::vector<std::pair<const char*, const char*>>{
           {"list", "ls"}, {"delete", "rm"}, {"kill", "cancel"}, {"log", "result"}, {"version", "--version"}, {"submit", "run"}, {"run", ""}, {"", ""}}) {
    EXPECT_EQ(foreign_verb(word), ours) << word;
  }
}

TEST(Nearest, FindsWhatIsMeant) {
  const Texts known{"--threads", "--tag", "--timeout", "--time-limit", "--verbose", "status", "result", "ls"};
  EXPECT_EQ(nearest("--thraeds", known), "--threads");
  EXPECT_EQ(nearest("--tga", known), "--tag");
  EXPECT_EQ(nearest("--timout", known), "--timeout");
  EXPECT_EQ(nearest("stauts", known), "status");
  EXPECT_EQ(nearest("resul", known), "result");
  EXPECT_EQ(nearest("--zyx", known), "");
  EXPECT_EQ(nearest("frobnicate", known), "");
  EXPECT_EQ(nearest("", known), "");
}

}  // namespace
}  // namespace stint
