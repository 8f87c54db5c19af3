// SPDX-License-Identifier: Apache-2.0
// What parts that read input have to say to the user, until a part that may speak says it.
#pragma once

#include <string>
#include <vector>

namespace stint {

/// Keeps a line for `take_notes`; one that is kept already is not kept twice.
void note(std::string line);

/// The lines since the last call, in their order.
std::vector<std::string> take_notes();

}  // namespace stint
