// SPDX-License-Identifier: Apache-2.0
// The embedded blackboard: a redis-server of the user's own on a UNIX socket, and its guardian. The
// guardian runs in its own session, holds no descriptor of the process that started it (mpirun would wait for it), is
// shared by all runs of the user, starts the server again when it dies or its socket vanishes, and stops it when
// no client was connected for a while. The data stays in $STINT_HOME.
#pragma once

#include <filesystem>
#include <string>

namespace stint {

struct GuardOptions {
  double idle = 600;      ///< seconds without a client after which the server ends
  int ready = -1;         ///< ≥ 0: descriptor for notes, then for guard_ok or an exit code and why there is no server
  std::string job;        ///< the batch job for which it was started; the last process of that job ends it (leave_embedded)
  std::string interface;  ///< on which the server also listens; empty: as the connection file says
};

/// Lines in `ready`: the beginning of a note for the user, and the line for a server that answers.
constexpr const char* guard_note = "note: ";
constexpr const char* guard_ok = "ok";
/// A sign of life while the server loads its data, every few seconds.
constexpr const char* guard_loads = "loads";

/// `stint serve --foreground`: runs the server until it was idle for long, or until SIGTERM, upon which both end within
/// seconds.
int guard(const std::filesystem::path& home, const GuardOptions& options);

/// While this file exists, the user has ended the blackboard: ranks that miss it do not start it again.
std::filesystem::path stopped_file(const std::filesystem::path& home);

}  // namespace stint
