// SPDX-License-Identifier: Apache-2.0
// The files of src/cli/templates, embedded by cmake/embed_templates.cmake.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace stint::templates {

/// File name → text. `job.cpp` stands for NAME.cpp; {{name}} and {{Name}} in a text stand for the project and its job.
extern const std::vector<std::pair<std::string, std::string>> files;

}  // namespace stint::templates
