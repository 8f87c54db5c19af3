// SPDX-License-Identifier: Apache-2.0
// The verb rm: removes runs with all that is kept of them: those named, or those done, or old. Never a run
// that ranks compute, unless it is named and --force is given.
#pragma once

#include "redis/address.hpp"

#include <CLI/App.hpp>

#include <optional>
#include <string>
#include <vector>

namespace stint {

struct RemoveOptions {
  std::vector<std::string> runs;
  bool done = false;     ///< all done runs
  double older = -1;     ///< all without an event for so many seconds; below 0: any age
  bool dry_run = false;  ///< only prints them
  bool forced = false;
};

void add_remove_options(CLI::App& app, RemoveOptions& options, const std::string& program);

/// Removes nothing if one of the named runs does not exist, or is computed and not `forced`: throws Error(usage).
/// `board`: none if there is no blackboard yet.
int remove_runs(const std::optional<redis::Address>& board, const RemoveOptions& options);

}  // namespace stint
