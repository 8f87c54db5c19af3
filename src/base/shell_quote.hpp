// SPDX-License-Identifier: Apache-2.0
// A word for a shell line that Stint shows and a user may paste. Which words need quotes differs by caller.
#pragma once

#include <string>
#include <string_view>

namespace stint {

/// 'word', with each ' in it as '\''.
inline std::string single_quoted(std::string_view word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace stint
