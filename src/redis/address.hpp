// SPDX-License-Identifier: Apache-2.0
// The address of a Redis: redis://[[user]:password@]host[:port][/db] or unix:///path[?db=N][#password in code only].
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace stint::redis {

struct Address {
  std::string socket;  ///< path of a UNIX socket; empty: TCP
  std::string host;
  int port = 6379;
  int database = 0;
  std::string user;
  std::string password;
  std::string password_file;  ///< a file whose first line is the password; empty: not known

  /// Without the password: for people and logs.
  [[nodiscard]] std::string shown() const;
  /// A redis-cli command for this server, as a shell line; a password that is not in a file is left for the user to add.
  [[nodiscard]] std::string client() const;
  /// With the password: for the environment of children, never for a command line.
  [[nodiscard]] std::string whole() const;
};

/// Returns the present address of a Redis that may move; called before each connection. `misses`: failed attempts since
/// its last answer.
using Finder = std::function<Address(int misses)>;

/// Throws Error(usage) with one line if the text is not an address.
Address parse_address(std::string_view text);

}  // namespace stint::redis
