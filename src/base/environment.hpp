// SPDX-License-Identifier: Apache-2.0
// Reads environment variables. Not safe while another thread changes them.
#pragma once

#include <cstdlib>
#include <string>

namespace stint {

/// The value of a variable; empty if it is not set, or set to nothing.
inline std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace stint
