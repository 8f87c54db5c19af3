// SPDX-License-Identifier: Apache-2.0
// Where a Redis is: redis://[[user]:password@]host[:port][/db] or unix:///path[?db=N][#password in code only].
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
  std::string password_file;  ///< whose first line it is; empty: not known

  /// Without the password: for people and logs.
  [[nodiscard]] std::string shown() const;
  /// How a user calls redis-cli there, as a line for a shell; a password that lies in no file is for the user to put in.
  [[nodiscard]] std::string client() const;
  /// With the password: for the environment of children, never for a command line.
  [[nodiscard]] std::string whole() const;
};

/// Where a Redis that may move is now: asked before each connection. `misses`: attempts in vain since its last answer.
using Finder = std::function<Address(int misses)>;

/// Throws Error(usage) with one line for what is no address.
Address parse_address(std::string_view text);

}  // namespace stint::redis
