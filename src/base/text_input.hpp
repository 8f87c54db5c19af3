// SPDX-License-Identifier: Apache-2.0
// Standard input and pipes under `stint run -n`: the launcher has them, its ranks do not, and what is read from them is
// gone. So the launcher keeps each as a file, and read_whole (include/stint/text.hpp) in a rank reads that file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace stint {

/// For the launcher, before it starts ranks: writes what can be read only once of `paths` (standard input, pipes,
/// <(…)) into `folder`. Ranks find it by the environment variable STINT_STDIN, which is set if anything was kept.
/// Throws BadInput.
void keep_texts(const std::vector<std::string>& paths, const std::filesystem::path& folder);

/// For a call that continues another (rerun): what only that one could read is empty from now on.
void read_files_only();

}  // namespace stint
