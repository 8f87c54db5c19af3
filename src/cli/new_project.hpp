// SPDX-License-Identifier: Apache-2.0
// The verb `new`: creates a folder with a user's own project, ready to build, test and submit.
#pragma once

#include <iosfwd>
#include <string>

namespace stint {

/// Creates the folder `name` here, from src/cli/templates, and prints on `out` what to do next. Leaves nothing
/// behind if it fails. Throws Error(Exit::usage) if `name` cannot name a program and a C++ type, or if the folder
/// exists or cannot be written.
void new_project(const std::string& name, std::ostream& out);

}  // namespace stint
