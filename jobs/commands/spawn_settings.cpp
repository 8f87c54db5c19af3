// SPDX-License-Identifier: Apache-2.0
#include "spawn_settings.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <csignal>

namespace stint::commands {

std::vector<char*> pointers(const std::vector<std::string>& words, const std::vector<std::string>& more) {
  std::vector<char*> list;
  list.reserve(words.size() + more.size() + 1);
  for (const auto* part : {&words, &more}) {
    for (const auto& word : *part) list.push_back(const_cast<char*>(word.data()));
  }
  list.push_back(nullptr);
  return list;
}

SpawnSettings::SpawnSettings(int in, int out, int err, short flags) {
  posix_spawn_file_actions_init(&actions);
  if (in < 0) {
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  } else {
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  }
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, static_cast<short>(flags | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t signals;
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
}

SpawnSettings::~SpawnSettings() {
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
}

}  // namespace stint::commands
