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

/// Adds each entry of `options` (which must outlive `app`) to the parser. `kinds`: only these kinds; empty: all.
void add_job_options(CLI::App& app, Options& options, const std::set<OptionKind>& kinds = {});

/// The type of an option that may be empty, since it is a list: further arguments for another program.
constexpr const char* arguments_type = "'ARGS'";

/// Throws Error(usage) for an option, or a RUN, with an empty value, as from an unset variable of the shell: no file, time, run
/// or address has an empty name. A job's own TEXT may be empty.
void refuse_empty_values(const CLI::App& app);

/// Sets the words without a name on the option that takes them. Throws Error(usage).
void set_positional(Options& options, const std::vector<std::string>& words);

/// Sets options of an existing run from words like `--top 5`. Throws Error(usage), with the verb that may change
/// the option.
void apply_words(Options& options, const std::vector<std::string>& words, const std::set<OptionKind>& kinds,
                 const std::string& advice);

}  // namespace stint
