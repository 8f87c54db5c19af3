// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the known word that is nearest to a mistyped one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stint {

/// The one of `known` that takes the fewest changes (a letter too many, missing, other, or two exchanged) to become
/// `word`, or that `word` begins. Empty if none is near enough to be meant.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace stint
