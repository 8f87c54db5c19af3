// SPDX-License-Identifier: Apache-2.0
// The verb `new`: a folder that holds a user's own project, ready to build, test and submit.
#pragma once

#include <iosfwd>
#include <string>

namespace stint {

/// Makes the folder `name` here, filled from src/cli/templates, and says on `out` what to do next. Nothing is left
/// behind when it fails. Throws Error(Exit::usage) for a name that cannot be one of a program and a C++ type, and for
/// a folder that is there or cannot be written.
void new_project(const std::string& name, std::ostream& out);

}  // namespace stint
