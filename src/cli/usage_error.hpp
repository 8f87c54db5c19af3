// SPDX-License-Identifier: Apache-2.0
// What a wrong command line is answered: one line, which names the word that may have been meant.
#pragma once

#include "base/error.hpp"

#include <CLI/App.hpp>

#include <string>
#include <vector>

namespace stint {

/// Prints the line, once in a world; returns the exit code.
int one_line(const std::string& line, Exit exit);

/// Throws Error(usage) for `rest`, whose first word is no verb or job (`kind`) of `app`; none: it is missing.
[[noreturn]] void refuse_word(const std::vector<std::string>& rest, const CLI::App& app, const std::string& kind);

/// What the parser says of an option of `app`, without its own words, and naming the environment variable where the value comes
/// from one: "STINT_LEASE: 'x' is not a time; …".
std::string in_words_of_user(std::string line, const CLI::App& app);

/// Answers what the parser found; `run`: that verb, in a program of several jobs. Returns the exit code, or throws
/// Error(usage).
int refuse_words(const CLI::ParseError& error, const CLI::App& app, const CLI::App* run);

}  // namespace stint
