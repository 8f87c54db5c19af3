// SPDX-License-Identifier: Apache-2.0
// The verb rm: removes runs with all that is kept of them: those that are named, or those that are done, or old. Never one
// that somebody computes, unless it is named and --force is given.
#pragma once

#include "redis/address.hpp"

#include <CLI/App.hpp>

#include <optional>
#include <string>
#include <vector>

namespace stint {

struct RemoveOptions {
  std::vector<std::string> runs;
  bool done = false;     ///< all that are done
  double older = -1;     ///< all of which nothing has been heard for so many seconds; below 0: any
  bool dry_run = false;  ///< only names them
  bool forced = false;
};

void add_remove_options(CLI::App& app, RemoveOptions& options, const std::string& program);

/// Removes nothing at all if one of the named runs is not there, or is computed and not `forced`: Error(usage).
/// `board`: none if there is no blackboard yet.
int remove_runs(const std::optional<redis::Address>& board, const RemoveOptions& options);

}  // namespace stint
