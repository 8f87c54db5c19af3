// SPDX-License-Identifier: Apache-2.0
// Standard input and pipes under `stint run -n`: the launcher has them, its ranks do not, and they can be read only once.
// So the launcher saves each in a file, and read_whole (include/stint/text.hpp) in a rank reads that file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace stint {

/// The content of a path that can be read only once.
struct ReadOnce {
  std::string path;
  std::string text;
};

/// For the launcher, before it starts ranks: reads those of `paths` that can be read only once (standard input, pipes, <(…)).
/// Throws BadInput.
std::vector<ReadOnce> read_once(const std::vector<std::string>& paths);
/// Writes the texts into `folder`. Ranks find them by the environment variable STINT_STDIN, which is unset if there are none.
/// Throws BadInput.
void keep_texts(const std::vector<ReadOnce>& texts, const std::filesystem::path& folder);

/// For a call that continues another (rerun): from now on a text that only the first call could read is empty.
void read_files_only();

}  // namespace stint
