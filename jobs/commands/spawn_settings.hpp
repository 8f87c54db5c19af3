// SPDX-License-Identifier: Apache-2.0
// What posix_spawn is given for each process that the job `commands` starts.
#pragma once

#include <spawn.h>
#include <string>
#include <vector>

namespace stint::commands {

/// The words, and a null pointer behind them; they are only read.
std::vector<char*> pointers(const std::vector<std::string>& words, const std::vector<std::string>& more = {});

/// The three descriptors and no other, no signal blocked or ignored, and a group (or, by `flags`, a session) of its own.
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
