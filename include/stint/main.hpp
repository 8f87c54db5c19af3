// SPDX-License-Identifier: Apache-2.0
// The whole command line of a program made of jobs: `int main(int argc, char** argv) { return stint::main<Pi>(argc, argv); }`
// With one job, the user need not give its name.
#pragma once

#include <stint/detail/adapter.hpp>

#include <array>
#include <memory>
#include <span>
#include <string_view>

namespace stint {

struct JobEntry {
  std::string_view name;
  std::string_view about;
  std::unique_ptr<AnyJob> (*make)();
};

/// Runs the command line; returns the exit code (see README). Call it once, from main.
int run_main(int argc, char** argv, std::span<const JobEntry> jobs);

template <class... Jobs>
int main(int argc, char** argv) {
  static_assert(sizeof...(Jobs) > 0, "stint::main needs at least one job");
  static constexpr std::array<JobEntry, sizeof...(Jobs)> jobs{
      JobEntry{detail::name_of<Jobs>(), detail::about_of<Jobs>(), &make_job<Jobs>}...};
  return run_main(argc, argv, jobs);
}

}  // namespace stint
