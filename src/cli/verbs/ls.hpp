// SPDX-License-Identifier: Apache-2.0
// The verb ls: the runs on the blackboard, newest first. Only reads.
#pragma once

#include <stint/main.hpp>

#include "redis/address.hpp"

#include <CLI/App.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace stint {

struct ListOptions {
  bool json = false;
  std::uint64_t limit = 0;          ///< runs; 0: all
  std::vector<std::string> states;  ///< as from state_seen; empty: all
};

void add_list_options(CLI::App& app, ListOptions& options, const std::string& program);

/// `address`: none if there is no blackboard yet, and so no runs.
int list_runs(const std::optional<redis::Address>& address, const ListOptions& options, std::span<const JobEntry> jobs);

/// At most `width` characters by which run_named finds `run` among `runs`: a beginning…, or beginning…end; else the whole id.
std::string short_name(const std::string& run, std::size_t width, const std::vector<std::string>& runs);

}  // namespace stint
