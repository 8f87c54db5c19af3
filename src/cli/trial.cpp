// SPDX-License-Identifier: Apache-2.0
#include "cli/trial.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace stint {
namespace {

using std::chrono::steady_clock;
constexpr double grace = 3;         // seconds from SIGTERM to SIGKILL
constexpr double last_words = 0.2;  // seconds for which its children may keep its output open

double since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (auto& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

// Waits for the end of the output and of the process, within the timeouts.
void watch(pid_t pid, int out, int err, double bound, Trial& trial) {
  const auto begin = steady_clock::now();
  double ended = -1;
  double told = -1;
  pollfd ends[2] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
  std::string* texts[2] = {&trial.out, &trial.err};
  while (ended < 0 || ((ends[0].fd >= 0 || ends[1].fd >= 0) && since(begin) < ended + last_words)) {
    ::poll(ends, 2, 20);
    for (int i = 0; i < 2; ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      char buffer[4096];
      const auto got = ::read(ends[i].fd, buffer, sizeof buffer);
      if (got > 0) texts[i]->append(buffer, static_cast<std::size_t>(got));
      if (got == 0 || (got < 0 && errno != EINTR)) ends[i].fd = -1;
    }
    int status = 0;
    if (ended < 0 && ::waitpid(pid, &status, WNOHANG) == pid) {
      ended = since(begin);
      trial.seconds = ended;
      trial.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    if (ended < 0 && told < 0 && since(begin) > bound) {
      trial.in_time = false;
      told = since(begin);
      ::kill(pid, SIGTERM);
    }
    if (ended < 0 && told >= 0 && since(begin) > told + grace) ::kill(-pid, SIGKILL);
  }
}

}  // namespace

Trial try_program(const std::vector<std::string>& words, double bound, const std::vector<std::string>& more) {
  int out[2];
  int err[2];
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) {
    throw Error(Exit::usage, std::string("cannot make a pipe: ") + std::strerror(errno) + "; see ulimit -n");
  }
  auto arguments = words;
  auto variables = more;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  Trial trial;
  pid_t pid = -1;
  trial.error = ::posix_spawnp(&pid, words.at(0).c_str(), &actions, &attributes, pointers(arguments).data(),
                               pointers(variables).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);
  ::close(err[1]);
  if (trial.error == 0) watch(pid, out[0], err[0], bound, trial);
  ::close(out[0]);
  ::close(err[0]);
  return trial;
}

}  // namespace stint
