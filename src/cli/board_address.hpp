// SPDX-License-Identifier: Apache-2.0
// Which blackboard is meant: --board, --board-file, $STINT_BOARD, else the embedded one.
#pragma once

#include "redis/address.hpp"

#include <functional>
#include <optional>
#include <string>

namespace stint {

/// None: the embedded one. A password may stand in the file (mode 600) or in the environment, never in `board`, which
/// came from the command line; that of one's own home is known. Throws Error(usage).
std::optional<redis::Address> given_board(const std::string& board, const std::string& board_file);

/// Waits for the blackboard of a --board-file: for the file, and until what it names answers; for so many seconds, and
/// then leaves it to the caller to say what is wrong. `say`: told once, when it takes long.
void await_board_file(const std::string& board_file, double seconds, const std::function<void(const std::string&)>& say);

}  // namespace stint
