// SPDX-License-Identifier: Apache-2.0
// "Did you mean": finds the known word nearest to a mistyped one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stint {

/// The one of `known` that takes the fewest changes (a letter too many, missing, wrong, or two exchanged) to become
/// `word`, or that begins with `word`. Empty if none is near enough.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace stint
