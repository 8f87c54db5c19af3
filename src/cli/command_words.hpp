// SPDX-License-Identifier: Apache-2.0
// The words after `stint run`, before the parser of options sees them. Options of Stint, and of the job, come before
// the first word of the user's command; that word and all after it are the job's, whatever they look like (as with env and
// nice). If the job's words are files, options may follow them; `--` ends the options. So the parser never sees
// a word of the user's command.
#pragma once

#include <stint/options.hpp>

#include <CLI/App.hpp>

#include <string>
#include <vector>

namespace stint {

/// A job that the command line may name.
struct JobParser {
  CLI::App* app = nullptr;           ///< with its options; in a program of one job, that of `run`
  const Options* options = nullptr;
};

struct CommandWords {
  std::vector<std::string> options;     ///< for the parser, with the name of the job
  std::vector<std::string> positional;  ///< FILEs, or the words of the user's command
  const JobParser* job = nullptr;       ///< the named job; null: none is named
};

/// Splits the words after `run`. Options of GNU parallel, xargs and HyperQueue become those of Stint. Throws
/// Error(usage) for an unknown option, with the one that may be meant.
CommandWords split_words(const std::vector<std::string>& words, const CLI::App& run, const std::vector<JobParser>& jobs);

/// The words of a verb without a job: foreign options become Stint's own, all else stays.
std::vector<std::string> in_our_words(const std::vector<std::string>& words, const CLI::App& app);

/// The error for an option that `app` does not have: "there is no option --thraeds; did you mean --threads?".
std::string unknown_option(const std::string& word, const CLI::App& app);

}  // namespace stint
