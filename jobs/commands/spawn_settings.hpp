// SPDX-License-Identifier: Apache-2.0
// The settings of posix_spawn for each process that the job `commands` starts.
#pragma once

#include <spawn.h>
#include <string>
#include <vector>

namespace stint::commands {

/// Pointers to the words, and a null pointer after them; posix_spawn only reads the words.
std::vector<char*> pointers(const std::vector<std::string>& words, const std::vector<std::string>& more = {});

/// Only these three descriptors, no signal blocked or ignored, and its own process group (or, by `flags`, session).
class SpawnSettings {
 public:
  /// `in`: -1 is /dev/null.
  SpawnSettings(int in, int out, int err, short flags);
  ~SpawnSettings();
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

}  // namespace stint::commands
