// SPDX-License-Identifier: Apache-2.0
// Variables of the environment. Not safe beside a thread that changes them.
#pragma once

#include <cstdlib>
#include <string>

namespace stint {

/// The value of a variable; empty: it is not set, or set to nothing.
inline std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace stint
