// SPDX-License-Identifier: Apache-2.0
// Feeds the words behind `stint run` to what takes them apart and to the parser of options. Only Error(usage) and the parser's
// own refusals are thrown, and the words of a user's command come out as they are.
#include "fuzz.hpp"

#include "base/error.hpp"
#include "cli/command_words.hpp"
#include "cli/job_options.hpp"
#include "cli/run_flags.hpp"

#include <stint/input.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>

namespace stint::fuzzing {

struct Parser {
  Parser() {
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.require_subcommand(0, 1);
    run = app.add_subcommand("run");
    add_run_options(*run, run_options);
    run->fallthrough(false);
    of_commands.add_words("COMMAND", words, "").add("each", each, "").add("tag", tag, "");
    of_files.add_files(files, "").add("top", top, "", OptionKind::result).add_seconds("rest", rest, "");
    for (auto* options : {&of_commands, &of_files}) {
      jobs.push_back({run->add_subcommand(options == &of_files ? "wordcount" : "commands"), options});
      jobs.back().app->fallthrough();
      add_job_options(*jobs.back().app, *options);
    }
  }
  CLI::App app;
  CLI::App* run = nullptr;
  RunOptions run_options;
  Options of_commands, of_files;
  std::vector<JobParser> jobs;
  std::vector<std::string> words;
  std::string each;
  bool tag = false;
  Inputs files;
  std::uint64_t top = 20;
  double rest = 0;
};

std::string word_from(Bytes& bytes) {
  if (bytes.ConsumeBool()) return text_of(bytes, 24).c_str();
  return bytes.PickValueInArray({"commands", "wordcount", "-n", "-n3", "--threads=2", "--tag", "--each", "--", "{}", ":::", "-j4",
                                 "-vq", "--max-failed", "5%", "--halt", "now,fail=1", "--top", "--rest", "1h30m", "-I{}", "-h"});
}

void fuzz(Bytes& bytes) {
  static Parser parser;
  std::vector<std::string> given;
  for (int left = bytes.ConsumeIntegralInRange(0, 8); left > 0; --left) given.push_back(word_from(bytes));
  try {
    auto split = split_words(given, *parser.run, parser.jobs);
    require(split.positional.size() <= given.size(), "no word is made up");
    if (split.job == parser.jobs.data()) {
      require(std::equal(split.positional.rbegin(), split.positional.rend(), given.rbegin()), "a command is the user's own words");
    }
    split.options.insert(split.options.begin(), "run");
    std::ranges::reverse(split.options);
    parser.app.parse(split.options);
    if (split.job != nullptr) set_positional(split.job == parser.jobs.data() ? parser.of_commands : parser.of_files, split.positional);
    (void)in_our_words(given, *parser.run);
  } catch (const Error& error) {
    require(error.exit() == Exit::usage, "words that are refused are a wrong usage");
  } catch (const CLI::ParseError&) {
  }
}

}  // namespace stint::fuzzing
