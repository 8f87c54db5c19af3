// SPDX-License-Identifier: Apache-2.0
// Lines for the user from code that reads input and may not print; other code takes and prints them.
#pragma once

#include <string>
#include <vector>

namespace stint {

/// Keeps a line for `take_notes`, once: a line that is already kept is not added.
void note(std::string line);

/// Removes and returns the lines since the last call, in order.
std::vector<std::string> take_notes();

}  // namespace stint
