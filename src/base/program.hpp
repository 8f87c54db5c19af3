// SPDX-License-Identifier: Apache-2.0
// The name by which the user called this program, for advice that the user can type unchanged.
#pragma once

#include <string>
#include <string_view>

namespace stint {

/// Sets the name: the first word of the command line. Call it once, at the start.
void set_program(const std::string& word);

/// That word, quoted for a shell; "stint" if it was not set.
const std::string& program();

/// The command line of this program with these words after its name: typed("rerun last") is "./fj rerun last" if the user
/// called it as ./fj.
std::string typed(std::string_view words);

}  // namespace stint
