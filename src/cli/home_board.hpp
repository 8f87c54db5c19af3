// SPDX-License-Identifier: Apache-2.0
// The blackboard of a home, as its clients find it: by its socket on the host that serves it, and elsewhere by the
// connection file, $STINT_HOME/board, one line with its address on the network. Both need the secret of the home.
// Starts nothing; guardian.hpp and embedded.hpp do.
#pragma once

#include "redis/address.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace stint {

/// The password of the home's blackboard; empty: it never had one.
std::string home_secret(const std::filesystem::path& home);
/// The same, made first if need be. Throws Error(board).
std::string make_home_secret(const std::filesystem::path& home);

/// The socket on this host, whether or not a server listens there: where the guardian says that it is, else where one
/// would be made. Throws Error(usage) when its folder is somebody else's.
redis::Address socket_address(const std::filesystem::path& home);
/// Where a server is to make its socket; makes the folder, and the secret if need be. Throws Error.
redis::Address socket_address_to_make(const std::filesystem::path& home);

/// The connection file: mode 600, and a --board-file for others. While it is there, the blackboard is to be on the
/// network, whichever host serves it; it goes when the blackboard ends by itself or by `stint serve --stop`.
std::filesystem::path connection_file(const std::filesystem::path& home);
/// Asks the guardian of the home, on whichever host, to let its server listen on the network.
void ask_to_listen(const std::filesystem::path& home);
/// Somebody asks, or asked before a restart, and the connection file names no address yet.
bool asked_to_listen(const std::filesystem::path& home);
/// What it says; none: there is none.
std::optional<redis::Address> network_address(const std::filesystem::path& home);

/// What a server says to PING: nothing; that it loads its data; that our password is wrong; something else.
enum class Answer { none, loading, stranger, ready };
Answer ask(const redis::Address& address);

/// The blackboard of the home, if it answers: by its socket, else by the connection file.
std::optional<redis::Address> answering(const std::filesystem::path& home);

/// Tells a server to end, and gives it ten seconds for its data. Never throws: it hangs up instead of answering.
void shut_down(const redis::Address& address) noexcept;

/// Lets the server that is on our socket listen on one address of this host, too, and writes the connection file.
/// Nothing changes where it does already. `interface`: see chosen_address. Throws Error.
redis::Address open_to_network(const std::filesystem::path& home, const std::string& interface);

}  // namespace stint
