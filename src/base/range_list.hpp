// SPDX-License-Identifier: Apache-2.0
// Lists of numbers as users write them: "3,17,20-25".
#pragma once

#include <stint/range.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace stint {

/// The ranges, each last number included, in the order of the text; none: not such a list.
std::optional<std::vector<Range>> parse_range_list(std::string_view text);

}  // namespace stint
