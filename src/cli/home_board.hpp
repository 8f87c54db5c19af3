// SPDX-License-Identifier: Apache-2.0
// The blackboard of a home, as its clients find it: by its socket on the host that serves it, and elsewhere by the
// connection file, $STINT_HOME/board, one line with its address on the network. Both need the secret of the home. Starts
// nothing; guardian.hpp does.
#pragma once

#include "redis/address.hpp"

#include <filesystem>
#include <string>

namespace stint {

/// The password of the home's blackboard; empty: it never had one.
std::string home_secret(const std::filesystem::path& home);
/// The same, made first if need be. Throws Error(board).
std::string make_home_secret(const std::filesystem::path& home);

/// The socket on this host, whether or not a server listens there.
redis::Address socket_address(const std::filesystem::path& home);

/// What a server says to PING: nothing; that it loads its data; something else.
enum class Answer { none, loading, ready };
Answer ask(const redis::Address& address);

}  // namespace stint
