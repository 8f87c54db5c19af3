// SPDX-License-Identifier: Apache-2.0
// The answer to a wrong command line: one line, with the word that may have been meant.
#pragma once

#include "base/error.hpp"

#include <CLI/App.hpp>

#include <string>
#include <vector>

namespace stint {

/// Prints the line, once in a world; returns the exit code.
int one_line(const std::string& line, Exit exit);

/// Throws Error(usage) for `rest`, whose first word is not a verb or job (`kind`) of `app`; empty `rest`: the word is missing.
[[noreturn]] void refuse_word(const std::vector<std::string>& rest, const CLI::App& app, const std::string& kind);

/// The parser's error about an option of `app` in Stint's words, with the environment variable if the value comes
/// from one: "STINT_LEASE: 'x' is not a time; …".
std::string in_words_of_user(std::string line, const CLI::App& app);

/// Reports the parser's error; `run`: that verb, in a program of several jobs. Returns the exit code, or throws
/// Error(usage).
int refuse_words(const CLI::ParseError& error, const CLI::App& app, const CLI::App* run);

}  // namespace stint
