// SPDX-License-Identifier: Apache-2.0
// The words behind `stint run`, before the parser of options sees them. An option of Stint, or of the job, stands before
// the first word of the user's command; that word and all behind it are the job's, whatever they look like (as env and
// nice do). Of a job whose words are files, options may stand behind them too; `--` ends them. So the parser never sees
// a word of the user's.
#pragma once

#include <stint/options.hpp>

#include <CLI/App.hpp>

#include <string>
#include <vector>

namespace stint {

/// A job that the command line may name.
struct JobParser {
  CLI::App* app = nullptr;           ///< where its options are registered; that of `run` in a program of one job
  const Options* options = nullptr;
};

struct CommandWords {
  std::vector<std::string> options;     ///< for the parser, with the name of the job
  std::vector<std::string> positional;  ///< FILEs, or the words of the user's command
  const JobParser* job = nullptr;       ///< named, if any
};

/// Takes the words behind `run` apart. Options of GNU parallel, xargs and HyperQueue become those of Stint. Throws
/// Error(usage) for an option that there is not, with the one that may be meant.
CommandWords split_words(const std::vector<std::string>& words, const CLI::App& run, const std::vector<JobParser>& jobs);

/// The words of a verb that names no job: foreign options become ours, and all else stays.
std::vector<std::string> in_our_words(const std::vector<std::string>& words, const CLI::App& app);

/// What to say of an option that `app` does not have: "there is no option --thraeds; did you mean --threads?".
std::string unknown_option(const std::string& word, const CLI::App& app);

}  // namespace stint
