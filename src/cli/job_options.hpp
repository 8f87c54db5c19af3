// SPDX-License-Identifier: Apache-2.0
// A job's Options on the command line.
#pragma once

#include <stint/options.hpp>

#include <CLI/App.hpp>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace stint {

/// Adds each entry of `options` (which must outlive `app`) to the parser; `kinds`: just those of these kinds.
void add_job_options(CLI::App& app, Options& options, const std::set<OptionKind>& kinds = {});

/// Of an option that may be empty since it is no one thing: more arguments for another program.
constexpr const char* arguments_type = "'ARGS'";

/// Throws Error(usage) for an option, or a RUN, whose value is empty, as of an unset variable of the shell: no file, time, run
/// or address has an empty name. A job's own TEXT may be empty.
void refuse_empty_values(const CLI::App& app);

/// Gives the words without a name to the option that takes them. Throws Error(usage).
void set_positional(Options& options, const std::vector<std::string>& words);

/// Sets options of a run that is there from words like `--top 5`. Throws Error(usage), which says which verb may change
/// what.
void apply_words(Options& options, const std::vector<std::string>& words, const std::set<OptionKind>& kinds,
                 const std::string& advice);

}  // namespace stint
