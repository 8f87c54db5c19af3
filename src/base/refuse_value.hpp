// SPDX-License-Identifier: Apache-2.0
// The error for a value from the user.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace stint {

/// Throws std::invalid_argument("'TEXT' WHY HINT").
[[noreturn]] inline void refuse_value(std::string_view text, std::string_view why, std::string_view hint = {}) {
  throw std::invalid_argument("'" + std::string(text) + "' " + std::string(why) + std::string(hint));
}

}  // namespace stint
