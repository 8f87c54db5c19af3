// SPDX-License-Identifier: Apache-2.0
// The blackboard of a home for its clients: on the host that serves it by its socket, elsewhere by the
// connection file, $STINT_HOME/board, one line with its address on the network. Both need the secret of the home.
// Starts nothing; guardian.hpp and embedded.hpp do.
#pragma once

#include "redis/address.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace stint {

/// The password of the home's blackboard; empty: none was made yet. Throws Error(usage) if its file cannot be used.
std::string home_secret(const std::filesystem::path& home);
/// The same, created if missing. Throws Error(board).
std::string make_home_secret(const std::filesystem::path& home);

/// The socket on this host, whether or not a server listens there: the path in the guardian's record, else the path of a new
/// one. Throws Error(usage) if its folder belongs to another user.
redis::Address socket_address(const std::filesystem::path& home);
/// The path at which a server is to create its socket; creates the folder, and the secret if missing. Throws Error.
redis::Address socket_address_to_make(const std::filesystem::path& home);

/// The connection file: mode 600, and a --board-file for others. While it exists, the blackboard is to be on the
/// network, on any host; it is removed when the blackboard ends by itself or by `stint serve --stop`.
std::filesystem::path connection_file(const std::filesystem::path& home);
/// Asks the guardian of the home, on any host, to let its server listen on the network.
void ask_to_listen(const std::filesystem::path& home);
/// Whether a process asks, or asked before a restart, and the connection file has no address yet.
bool asked_to_listen(const std::filesystem::path& home);
/// The address in the connection file, if the file has one.
std::optional<redis::Address> network_address(const std::filesystem::path& home);

/// A server's answer to PING: none; it loads its data; the password is wrong; any other.
enum class Answer { none, loading, stranger, ready };
Answer ask(const redis::Address& address);

/// The address of the home's blackboard, if it answers: by its socket, else by the connection file.
std::optional<redis::Address> answering(const std::filesystem::path& home);

/// Tells a server to shut down, within ten seconds. Never throws: the server closes the connection instead of answering.
void shut_down(const redis::Address& address) noexcept;

/// Lets the server on this host's socket also listen on one address of this host, and writes the connection file.
/// Changes nothing if it already does. `interface`: see chosen_address. Throws Error.
redis::Address open_to_network(const std::filesystem::path& home, const std::string& interface);

}  // namespace stint
