// SPDX-License-Identifier: Apache-2.0
// Chooses the blackboard: --board, --board-file, $STINT_BOARD, else the embedded one.
#pragma once

#include "redis/address.hpp"

#include <functional>
#include <optional>
#include <string>

namespace stint {

/// None: use the embedded one. A password may be in the file (mode 600) or in the environment, never in `board`, which
/// is from the command line. An address of the user's own blackboard gets the home's password. Throws Error(usage).
std::optional<redis::Address> given_board(const std::string& board, const std::string& board_file);

/// Waits until the --board-file exists and its blackboard answers, at most `seconds`; then returns in any case, and the
/// caller reports the error. `say`: called once if it takes long.
void await_board_file(const std::string& board_file, double seconds, const std::function<void(const std::string&)>& say);

}  // namespace stint
