// SPDX-License-Identifier: Apache-2.0
// The embedded blackboard: a redis-server of the user's own on a UNIX socket, and the guardian that looks after it. The
// guardian runs in a session of its own, holds no descriptor of whoever started it (mpirun would wait for it), is
// shared by all runs of the user, starts the server again when it dies, and stops it when nobody was connected for a
// while. The data stays in $STINT_HOME.
#pragma once

#include <filesystem>
#include <string>

namespace stint {

/// Connections that the embedded blackboard takes, where its limit of open files lets it; 40 bytes of memory each.
constexpr int most_clients = 60000;

struct GuardOptions {
  double idle = 600;      ///< seconds without a client after which the server ends
  int ready = -1;         ///< ≥ 0: one line is written there when the server answers ("ok") or cannot be had (why)
  std::string interface;  ///< on which the server listens, too; empty: as the connection file says
};

/// What begins a line in `ready` that is not the last: a note for the user.
constexpr const char* guard_note = "note: ";

/// `stint serve --foreground`: looks after the server until it was idle for long, or SIGTERM.
int guard(const std::filesystem::path& home, const GuardOptions& options);

/// Holds the data of a home among the processes of this host; -1: a guardian has them. To be closed.
int lock_data(const std::filesystem::path& home);

}  // namespace stint
