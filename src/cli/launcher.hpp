// SPDX-License-Identifier: Apache-2.0
// `stint run -n N` outside a world: starts mpirun with what survival needs, again when all ranks were lost, passes on what
// ranks write and the signals of the user, and gives the run's own exit code, which mpirun with recovery does not.
#pragma once

#include "cli/run_options.hpp"

#include <string>
#include <vector>

namespace stint {

/// mpirun with the flags that survival needs, for the version that this program is linked with.
std::vector<std::string> launch_words();

/// Throws Error(usage) for an option of this launcher that was given without -n, or a hostfile that cannot be read.
void check_launch_options(const RunOptions& options);

/// Starts this program as N ranks under mpirun, with the same arguments; again, some times, when all ranks were lost. Returns
/// the exit code. It may not return: when nobody reads stdout any more, it dies of SIGPIPE as other programs do.
int launch(const RunOptions& options, int argc, char** argv);

}  // namespace stint
