// SPDX-License-Identifier: Apache-2.0
// The embedded blackboard: a redis-server of the user's own on a UNIX socket, and the guardian that looks after it. The
// guardian runs in a session of its own, holds no descriptor of the process that started it (mpirun would wait for it), is
// shared by all runs of the user, starts the server again when it dies or when its socket vanishes, and stops it when
// nobody was connected for a while. The data stays in $STINT_HOME.
#pragma once

#include <filesystem>
#include <string>

namespace stint {

struct GuardOptions {
  double idle = 600;      ///< seconds without a client after which the server ends
  int ready = -1;         ///< ≥ 0: notes are written there, and then guard_ok, or an exit code and why there is no server
  std::string job;        ///< for whose runs alone it was started; its last process ends it (leave_embedded)
  std::string interface;  ///< on which the server listens, too; empty: as the connection file says
};

/// Lines in `ready`: how a note for the user begins, and what says that the server answers.
constexpr const char* guard_note = "note: ";
constexpr const char* guard_ok = "ok";
/// A sign of life while the server loads its data, every few seconds.
constexpr const char* guard_loads = "loads";

/// `stint serve --foreground`: looks after the server until it was idle for long, or SIGTERM, upon which it ends within
/// seconds.
int guard(const std::filesystem::path& home, const GuardOptions& options);

/// While this file is there, the user has ended the blackboard: ranks that miss it do not start it again.
std::filesystem::path stopped_file(const std::filesystem::path& home);

}  // namespace stint
