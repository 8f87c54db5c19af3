// SPDX-License-Identifier: Apache-2.0
// How this program is called by its user, for advice that can be typed as it stands.
#pragma once

#include <string>
#include <string_view>

namespace stint {

/// Said once, when the program begins: the first word of its command line.
void set_program(const std::string& word);

/// That word, quoted for a shell; "stint" where nobody has said.
const std::string& program();

/// The command line of this program with these words behind its name: typed("rerun last") is "./fj rerun last" where the user
/// began it as ./fj.
std::string typed(std::string_view words);

}  // namespace stint
