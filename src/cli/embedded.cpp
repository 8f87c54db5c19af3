// SPDX-License-Identifier: Apache-2.0
#include "cli/embedded.hpp"

#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/program.hpp"
#include "cli/board_upkeep.hpp"
#include "cli/data_lease.hpp"
#include "cli/data_lock.hpp"
#include "cli/data_mark.hpp"
#include "cli/guardian.hpp"
#include "cli/home.hpp"
#include "cli/home_board.hpp"
#include "cli/private_file.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

extern char** environ;

namespace stint {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;
constexpr auto elsewhere_pause = std::chrono::milliseconds(100);
constexpr auto end_seconds = std::chrono::seconds(30);
// For a server on another host that has just begun to start, or was just asked to listen.
constexpr auto elsewhere_seconds = std::chrono::seconds(5);
constexpr auto leave_seconds = std::chrono::seconds(10);
constexpr int guardian_silent_seconds = 120;  // longer than any wait of a guardian, except for loading data
constexpr const char* looker_idle = "10";  // seconds

// Starts a guardian without waiting for it. `ready`: a descriptor that it inherits; -1: none.
void start_guardian(const fs::path& home, const std::string& interface, int ready, const std::string& job) {
  const std::string self = fs::read_symlink("/proc/self/exe").string();
  const auto idle = environment("STINT_IDLE");
  std::vector<std::string> words{self, "serve", "--foreground", "--home", home.string(), "--ready", std::to_string(ready),
                                 "--idle", idle.empty() ? "600" : idle};
  if (!job.empty()) words.insert(words.end(), {"--job", job});
  if (!interface.empty()) words.insert(words.end(), {"--interface", interface});
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  // The launcher's variables are not for a process that outlives it; --interface has been applied already.
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (!text.starts_with("OMPI_") && !text.starts_with("PMIX_") && !text.starts_with("STINT_INTERFACE=")) {
      variables.push_back(*variable);
    }
  }
  variables.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw Error(Exit::board, std::string("cannot start a process: ") + std::strerror(errno) + shortage_advice(errno));
  if (child == 0) {
    // Only calls that are safe after fork. A second fork, so that no process has to wait for the guardian.
    ::setsid();
    if (const pid_t guardian = ::fork(); guardian != 0) ::_exit(guardian > 0 ? 0 : errno);
    const int null = ::open("/dev/null", O_RDWR);
    for (int descriptor : {0, 1, 2}) ::dup2(null, descriptor);
    const long most = std::min(::sysconf(_SC_OPEN_MAX), 65536L);
    for (int descriptor = 3; descriptor < most; ++descriptor) {
      if (descriptor != ready) ::close(descriptor);
    }
    if (ready >= 0) ::fcntl(ready, F_SETFD, 0);
    if (::chdir("/") != 0) ::_exit(127);
    ::execve(self.c_str(), arguments.data(), variables.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (const int error = WIFEXITED(status) ? WEXITSTATUS(status) : 0; error != 0) {
    throw Error(Exit::board, std::string("cannot start the guardian of the blackboard: ") + std::strerror(error) + shortage_advice(error));
  }
}

// Starts a guardian. Returns the stream of its answers.
std::FILE* guardian_with_answers(const fs::path& home, const std::string& interface, const std::string& job) {
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) throw Error(Exit::board, std::string("no pipe: ") + std::strerror(errno) + shortage_advice(errno));
  std::FILE* answers = ::fdopen(pipe_ends[0], "r");
  std::setvbuf(answers, nullptr, _IONBF, 0);  // else poll would miss what is in the buffer
  start_guardian(home, interface, pipe_ends[1], job);
  ::close(pipe_ends[1]);
  return answers;
}

// Why there is no server: the guardian's exit code and its line.
struct GuardianFailure {
  Exit exit = Exit::board;
  std::string line;
};

// Waits for input or its end. False: neither came in time.
bool await_line(std::FILE* file, int seconds) {
  pollfd wish{::fileno(file), POLLIN, 0};
  return ::poll(&wish, 1, seconds * 1000) != 0;
}

// Waits for the guardian's last line; none: the server answers. `told`: the note that the user has seen last.
std::optional<GuardianFailure> word_of_guardian(const fs::path& home, std::FILE* answers, std::string& told) {
  std::string word;
  char* buffer = nullptr;
  std::size_t size = 0;
  while (await_line(answers, guardian_silent_seconds) && ::getline(&buffer, &size, answers) > 0) {
    std::string line = buffer;
    while (!line.empty() && line.back() == '\n') line.pop_back();
    if (line == guard_loads) continue;
    if (!line.starts_with(guard_note)) {
      word = line;
    } else if (std::exchange(told, line) != line) {
      std::fprintf(stderr, "stint: %s\n", line.substr(std::strlen(guard_note)).c_str());
    }
  }
  std::free(buffer);
  if (word == guard_ok) return std::nullopt;
  int code = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), code);
  if (error == std::errc{} && end + 1 < word.data() + word.size()) return GuardianFailure{static_cast<Exit>(code), end + 1};
  return GuardianFailure{Exit::board, "the guardian of the blackboard in " + home.string() + " ended at once, or gave no sign for " +
                                          std::to_string(guardian_silent_seconds) + " s; see " + (home / "redis.log").string()};
}

// For other hosts, a server that loads its data counts as running; on this host its guardian reports if the load fails.
std::optional<redis::Address> running(const fs::path& home) {
  auto found = answering(home);
  if (found && !found->socket.empty() && ask(*found) == Answer::loading) return std::nullopt;
  return found;
}

}  // namespace

void start_guardian(const fs::path& home, const std::string& interface) {
  start_guardian(home, interface, -1, batch_job_here());
}

EmbeddedStart::EmbeddedStart(const std::string& interface, bool lasting)
    : home_(home_folder()), interface_(interface == "none" ? "" : interface), lasting_(lasting), answers_(nullptr, std::fclose) {
  if (!running(home_)) start();
}

void EmbeddedStart::start() {
  if (held_elsewhere(home_)) ask_to_listen(home_);
  answers_.reset(guardian_with_answers(home_, interface_, lasting_ ? "" : batch_job_here()));
}

EmbeddedBoard EmbeddedStart::wait() {
  std::string told;
  for (const auto end = steady_clock::now() + elsewhere_seconds;; std::this_thread::sleep_for(elsewhere_pause)) {
    const bool late = steady_clock::now() > end;
    auto found = answers_ ? std::nullopt : running(home_);
    if (!found) {
      if (!answers_) start();
      const auto failure = word_of_guardian(home_, answers_.get(), told);
      answers_.reset();
      if (!failure) found = running(home_);
      if (!found && failure && (late || !held_elsewhere(home_))) throw Error(failure->exit, failure->line);
      if (!found && late) {
        throw Error(Exit::board, "the blackboard of " + home_.string() + " ended again; see " + (home_ / "redis.log").string());
      }
    }
    if (!found) continue;
    if (found->socket.empty()) return {*found, *found};
    EmbeddedBoard board{*found, std::nullopt};
    if (!interface_.empty()) board.network = open_to_network(home_, interface_);
    return board;
  }
}

EmbeddedBoard embedded_blackboard(const std::string& interface, bool lasting) {
  return EmbeddedStart(interface, lasting).wait();
}

std::optional<redis::Address> blackboard_with_data() {
  if (home_path().empty() || !home_is_there(home_path())) return std::nullopt;
  const fs::path home = home_folder();  // throws if the folder is another user's
  if (const auto found = answering(home)) return found;
  if (!fs::exists(home / "data") && !fs::exists(data_mark(home))) return std::nullopt;
  // A verb that only reads, perhaps on a login node, must not keep the data from the computing nodes for long.
  ::setenv("STINT_IDLE", looker_idle, 0);
  return embedded_blackboard(environment("STINT_INTERFACE")).here;
}

redis::Address existing_blackboard() {
  const auto found = blackboard_with_data();
  if (found) return *found;
  const auto home = home_path().empty() ? home_folder() : home_path();
  throw Error(Exit::usage, "there is no run yet in " + home.string() + "; " + typed("run JOB") + " starts one");
}

void leave_embedded() noexcept {
  try {
    const auto job = batch_job_here();
    const auto home = home_path();
    const auto guardian = job.empty() || home.empty() ? std::nullopt : last_guardian(home);
    if (!guardian || guardian->job != job) return;
    const auto address = answering(home);
    if (!address) return;
    const auto facts = board_facts(*address);
    if (!facts.answers || facts.clients > 0) return;
    if (guardian->here && guardian->pid > 0) {
      ::kill(static_cast<pid_t>(guardian->pid), SIGTERM);
    } else {
      shut_down(*address);
    }
    for (const auto end = steady_clock::now() + leave_seconds; steady_clock::now() < end;
         std::this_thread::sleep_for(std::chrono::milliseconds(5))) {
      if (guardian->here ? DataLock::take(home).has_value() : !held_elsewhere(home)) return;
    }
  } catch (const std::exception&) {
    // Then another host waits for the lease to expire.
  }
}

// The guardian ends the server; a guardian that this process cannot signal sees that its server was shut down.
bool stop_embedded() {
  const fs::path home = home_folder();
  const auto address = answering(home);
  const auto held = [&] { return !DataLock::take(home); };
  const auto guardian = held() ? guardian_here(home) : std::nullopt;
  if (address || guardian) made_once(stopped_file(home), "by stint serve --stop\n");
  fs::remove(connection_file(home));
  if (guardian && guardian->pid > 0) {
    ::kill(static_cast<pid_t>(guardian->pid), SIGTERM);
  } else if (address) {
    shut_down(*address);
  }
  const auto end = steady_clock::now() + end_seconds;
  for (; held() || (address && ask(*address) != Answer::none); std::this_thread::sleep_for(std::chrono::milliseconds(2))) {
    if (steady_clock::now() < end) continue;
    throw Error(Exit::board, "the blackboard in " + home.string() + " does not end; see " + (home / "redis.log").string());
  }
  return address || guardian;
}

}  // namespace stint
