// SPDX-License-Identifier: Apache-2.0
// `stint run -n N` outside a world: starts mpirun with the flags for survival, again when all ranks were lost; passes on the
// output of the ranks and the signals of the user; and returns the run's own exit code, which mpirun with recovery does not.
#pragma once

#include "cli/run_options.hpp"

#include <string>
#include <vector>

namespace stint {

/// mpirun with the flags for survival, for the MPI version that this program is linked with.
std::vector<std::string> launch_words();

/// Throws Error(usage) for a launcher option without -n, or a hostfile that cannot be read.
void check_launch_options(const RunOptions& options);

/// Starts this program as N ranks under mpirun, with the same arguments; again, some times, if all ranks were lost. Returns
/// the exit code. If no process reads stdout any more, dies of SIGPIPE instead, like other programs.
int launch(const RunOptions& options, int argc, char** argv);

}  // namespace stint
