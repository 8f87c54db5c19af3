// SPDX-License-Identifier: Apache-2.0
// The processes below a process on this host: Ctrl-Z stops the user's commands and their children, although they have
// their own process groups, which the terminal does not reach. Used by the launcher and by a run without mpirun.
#pragma once

#include <sys/types.h>
#include <vector>

namespace stint {

/// Sends SIGSTOP to the descendants of `pid`, without `pid`, including those started meanwhile. Returns the stopped ones.
std::vector<pid_t> stop_descendants(pid_t pid);

/// Sends SIGCONT to them.
void continue_processes(const std::vector<pid_t>& pids);

}  // namespace stint
