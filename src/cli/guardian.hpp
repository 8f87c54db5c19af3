// SPDX-License-Identifier: Apache-2.0
// The embedded blackboard: a redis-server of the user's own on a UNIX socket, and the guardian that looks after it. The
// guardian runs in a session of its own, holds no descriptor of whoever started it (mpirun would wait for it), is shared
// by all runs of the user, starts the server again when it dies, and stops it when nobody was connected for a while.
// The data stays in $STINT_HOME.
#pragma once

#include "redis/address.hpp"

#include <filesystem>

namespace stint {

/// Connections that the embedded blackboard takes, where its limit of open files lets it; 40 bytes of memory each.
constexpr int most_clients = 60000;

/// The address of the running embedded blackboard; started first if need be. Throws Error.
redis::Address embedded_blackboard();

/// The address of the embedded blackboard if it runs or has data; else Error(usage): there is no run yet.
redis::Address existing_blackboard();

/// `stint serve --foreground`: looks after the server until it was idle for `idle` seconds, or SIGTERM. When
/// `ready` ≥ 0, one line is written there as soon as the server answers ("ok") or cannot be had (what is wrong).
int guard(const std::filesystem::path& home, double idle, int ready);

/// `stint serve --stop`: ends the embedded blackboard; true if it was running.
bool stop_embedded();

}  // namespace stint
