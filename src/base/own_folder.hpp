// SPDX-License-Identifier: Apache-2.0
// Stint's own folder, when it lies in a folder of input: what Stint keeps there changes with every run, and is not input.
#pragma once

#include <string>

struct stat;

namespace stint {

/// Directories that are searched for input pass it over from now on; it need not be there yet.
void set_own_folder(std::string path);

/// Whether a directory is that folder, whatever path led there.
bool is_own_folder(const struct stat& directory);

}  // namespace stint
