// SPDX-License-Identifier: Apache-2.0
// Stint's own folder ($STINT_HOME) is not input: the files in it change with every run.
#pragma once

#include <string>

struct stat;

namespace stint {

/// Sets the folder; it need not exist yet.
void set_own_folder(std::string path);

/// Whether a directory is that folder, by any path.
bool is_own_folder(const struct stat& directory);

/// Whether a file or directory is that folder, is in it, or is a link to something in it.
bool lies_in_own_folder(const std::string& path);

}  // namespace stint
