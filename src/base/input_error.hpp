// SPDX-License-Identifier: Apache-2.0
// The error for an input file: one line with the path, the reason and what to do. A path may hold any
// byte but NUL, so it is quoted, and bytes that would break the line are shown as \xHH.
#pragma once

#include <stint/error.hpp>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

namespace stint {

inline std::string shown(std::string_view text) {
  constexpr char hex[] = "0123456789abcdef";
  std::string line = "'";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      line += c;
    } else {
      line += {'\\', 'x', hex[byte / 16], hex[byte % 16]};
    }
  }
  return line + '\'';
}

inline BadInput bad_input(const std::string& path, int error) {
  const char* advice = "check the disk or the network, and run the same command again";
  if (error == ENOENT || error == ENOTDIR) advice = "name a file or directory that is there, on every host";
  if (error == EACCES || error == EPERM) advice = "give yourself the right to read it, on every host";
  if (error == EISDIR) advice = "name a file";
  if (error == ELOOP || error == ENAMETOOLONG) advice = "name it by another path";
  return BadInput("input " + shown(path) + ": " + std::generic_category().message(error) + ": " + advice);
}

}  // namespace stint
