// SPDX-License-Identifier: Apache-2.0
// The processes below a process on this host: Ctrl-Z stops the user's commands with what has started them, though they have
// process groups of their own, which the terminal does not reach. Used by the launcher and by a run without mpirun.
#pragma once

#include <sys/types.h>
#include <vector>

namespace stint {

/// SIGSTOP for the children of `pid`, their children, and so on, without `pid`; also for those that they start meanwhile. Returns those that were stopped.
std::vector<pid_t> stop_descendants(pid_t pid);

/// SIGCONT for them.
void continue_processes(const std::vector<pid_t>& pids);

}  // namespace stint
