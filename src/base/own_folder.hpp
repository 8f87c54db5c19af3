// SPDX-License-Identifier: Apache-2.0
// Stint's own folder ($STINT_HOME), and input: what Stint keeps there changes with every run, and is not input.
#pragma once

#include <string>

struct stat;

namespace stint {

/// Sets the folder, which may be made later.
void set_own_folder(std::string path);

/// Whether a directory is that folder, whatever path led there.
bool is_own_folder(const struct stat& directory);

/// Whether a file or directory lies in that folder, is it, or is a link to something in it.
bool lies_in_own_folder(const std::string& path);

}  // namespace stint
