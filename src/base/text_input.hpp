// SPDX-License-Identifier: Apache-2.0
// Standard input and pipes under `stint run -n`: the launcher has them, its ranks do not, and what is read from them is
// gone. So the launcher keeps each as a file, and read_whole (include/stint/text.hpp) in a rank reads that file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace stint {

/// What was read from a path that can be read only once.
struct ReadOnce {
  std::string path;
  std::string text;
};

/// For the launcher, before it starts ranks: reads what can be read only once of `paths` (standard input, pipes, <(…)).
/// Throws BadInput.
std::vector<ReadOnce> read_once(const std::vector<std::string>& paths);
/// Writes these into `folder`. Ranks find them by the environment variable STINT_STDIN, which is unset if there are none.
/// Throws BadInput.
void keep_texts(const std::vector<ReadOnce>& texts, const std::filesystem::path& folder);

/// For a call that continues another (rerun): what only that one could read is empty from now on.
void read_files_only();

}  // namespace stint
