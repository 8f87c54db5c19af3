// SPDX-License-Identifier: Apache-2.0
// The environment of the user's commands: the user's own, without what MPI launchers and Stint add for a rank; and the
// look-up of a program in it. A command may start MPI programs itself, and must not see the password of a blackboard.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stint::commands {

/// Whether a variable (NAME=VALUE) is meant for this rank: of Open MPI 4 and 5, PMIx, PMI, a step of Slurm, or Stint. Compares
/// exact names if users may set others with the same beginning, such as OMPI_CC, OMPI_MCA_btl, PMIX_MCA_gds.
bool is_of_launcher(std::string_view variable);

/// The environment of the user's shell. `kept`: the file in which `stint run -n` saved it, each variable ended by a NUL byte.
/// If that is null or not readable (on another host): `variables`, ended by a null pointer, without those of the launcher.
/// Stint's own variables are removed in both cases.
std::vector<std::string> user_environment(const char* const* variables, const char* kept);

/// Replaces or adds NAME=VALUE.
void set_variable(std::vector<std::string>& environment, const std::string& variable);

/// The file of a program's name, by PATH in this environment. `folder`: the command's working folder, for
/// relative folders in PATH; empty: the present one. A name with a slash is returned as it is. If no file may be executed,
/// returns the first that exists; empty if none does.
std::string find_program(const std::string& name, const std::vector<std::string>& environment, const std::string& folder);

}  // namespace stint::commands
