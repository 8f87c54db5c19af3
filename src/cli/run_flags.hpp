// SPDX-License-Identifier: Apache-2.0
// The options of `run` and `rerun` on the command line: each also an environment variable STINT_….
#pragma once

#include "cli/run_options.hpp"

#include <CLI/App.hpp>

#include <cctype>
#include <string>
#include <type_traits>

namespace stint {

/// The environment variable of an option: STINT_MAX_FAILED for "--max-failed".
inline std::string variable_of(const std::string& name) {
  std::string variable = "STINT_" + name.substr(2);
  for (auto& c : variable) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return variable;
}

/// Adds an option and the environment variable STINT_… of the same name.
template <class T>
CLI::Option* add(CLI::App& app, const std::string& names, T& field, const std::string& help) {
  const auto at = names.find("--");
  const auto variable = variable_of(names.substr(at, names.find(',', at) - at));
  CLI::Option* option = nullptr;
  if constexpr (std::is_same_v<T, bool>) {
    option = app.add_flag(names, field, help);
  } else {
    option = app.add_option(names, field, help);
    if constexpr (!std::is_same_v<T, std::string>) option->capture_default_str();
  }
  if (variable != "STINT_BOARD") option->envname(variable);  // that one may hold a password: read separately
  return option;
}

/// A time, in the notation of parse_seconds.
void add_seconds_option(CLI::App& app, const std::string& name, double& field, const std::string& help,
                        const std::string& initial);

/// The interface on which the embedded blackboard listens; also for `serve`.
void add_interface_option(CLI::App& app, std::string& interface);

/// The options of `run` alone, for a new run; `options` must outlive `app`.
void add_new_run_options(CLI::App& app, RunOptions& options);
/// The options of both `run` and `rerun`, beside those of the job.
void add_run_options(CLI::App& app, RunOptions& options);

}  // namespace stint
