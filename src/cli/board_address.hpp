// SPDX-License-Identifier: Apache-2.0
// Which blackboard is meant: --board, --board-file, $STINT_BOARD, else the embedded one.
#pragma once

#include "redis/address.hpp"

#include <optional>
#include <string>

namespace stint {

/// None: the embedded one. A password may stand in the file (mode 600) or in the environment, never in `board`, which
/// came from the command line; that of one's own home is known. Throws Error(usage).
std::optional<redis::Address> given_board(const std::string& board, const std::string& board_file);

}  // namespace stint
