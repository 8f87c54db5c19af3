// SPDX-License-Identifier: Apache-2.0
// The environment of the user's commands: the user's own, less what MPI launchers and Stint add for a rank; and where a
// program is found by it. A command may start MPI programs itself, and must not learn the password of a blackboard.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stint::commands {

/// Whether a variable (NAME=VALUE) is for this rank: of Open MPI 4 and 5, PMIx, PMI, a step of Slurm, or Stint. By
/// exact names where a user may set others of that beginning, as OMPI_CC, OMPI_MCA_btl, PMIX_MCA_gds.
bool is_of_launcher(std::string_view variable);

/// What the user's shell had. `kept`: the file in which `stint run -n` kept it, each variable ended by a NUL byte; null,
/// or not readable (on another host): `variables`, a null pointer behind the last, without those of the launcher.
std::vector<std::string> user_environment(const char* const* variables, const char* kept);

/// Replaces or adds NAME=VALUE.
void set_variable(std::vector<std::string>& environment, const std::string& variable);

/// The file that is executed for a program's name, by PATH of this environment; `folder`: where the command runs, for
/// relative folders in PATH; empty: here. The name itself where it has a slash; one that may not be executed where there
/// is no other; empty where there is none.
std::string find_program(const std::string& name, const std::vector<std::string>& environment, const std::string& folder);

}  // namespace stint::commands
