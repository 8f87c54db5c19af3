// SPDX-License-Identifier: Apache-2.0
#include "process.hpp"

#include "arguments.hpp"
#include "environment.hpp"
#include "process_group.hpp"
#include "settings.hpp"
#include "spawn_settings.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <system_error>

namespace stint::commands {
namespace {

constexpr double kill_seconds = 5;                   // between SIGTERM and SIGKILL
constexpr std::size_t enough_times = 3;              // for a median
constexpr double silent_wait = 2;                    // seconds without memory before the user is notified
constexpr double patience = 10;                      // seconds for which a command may fail to start while no other runs
constexpr std::size_t largest_argument = 128 << 10;  // bytes; MAX_ARG_STRLEN of Linux

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

// A value of /proc/meminfo in bytes; none if the system does not have it.
std::optional<std::uint64_t> memory(const std::string& which) {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::uint64_t kib = 0;
  for (std::string unit; file >> name >> kib; std::getline(file, unit)) {
    if (name == which) return kib * 1024;
  }
  return std::nullopt;
}

std::uint64_t memory_available() { return memory("MemAvailable:").value_or(~std::uint64_t{0}); }

// Seconds on a clock that never jumps.
double steady() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string reason(int error, const std::vector<std::string>& words, const std::string& folder) {
  std::size_t longest = 0;
  for (const auto& word : words) longest = std::max(longest, word.size());
  if (error == E2BIG && longest < largest_argument)
    return "the variables of its environment are more than the kernel takes";
  if (error == ENOENT && !folder.empty() && ::access(folder.c_str(), X_OK) != 0) {
    return "its folder " + folder + ": " + std::strerror(errno);
  }
  if (error == E2BIG) {
    return "the command has " + std::to_string(longest) +
           " bytes, more than the kernel takes in one argument (131,071); put it into a script";
  }
  return words[0] + ": " + std::strerror(error);
}

// Whether the error is a temporary shortage of the system.
bool is_shortage(int error) { return error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE; }

}  // namespace

std::string gibibytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(bytes) / static_cast<double>(1 << 30));
  return text;
}

std::uint64_t memory_total() { return memory("MemTotal:").value_or(~std::uint64_t{0}); }

Processes::Processes(std::vector<std::string> environment, std::string folder, Limits limits)
    : environment_(std::move(environment)), folder_(std::move(folder)), limits_(limits), shell_(chosen_shell()) {
  watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

Processes::~Processes() = default;

// The timeout of commands now, in seconds; 0: none. Call it with the lock.
double Processes::limit() const {
  if (limits_.timeout > 0) return limits_.timeout;
  if (times_.size() < enough_times) return 0;
  return limits_.timeout_share * times_[times_.size() / 2];
}

void Processes::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const double most = limit();
    const double time = steady();
    for (auto& running : running_) {
      if (running.told > 0) {
        if (time > running.told + kill_seconds) ::kill(-running.group, SIGKILL);
        continue;
      }
      running.timed_out = most > 0 && time - running.since >= most;
      if (!running.timed_out && !(*running.abandon)()) continue;
      ::kill(-running.group, SIGTERM);
      running.told = time;
    }
    if (limits_.memory_free > 0 && running_.size() > 1 && memory_available() < limits_.memory_free / 2) {
      auto youngest = std::ranges::max_element(running_, {}, &Running::since);
      youngest->for_memory = true;
      ::kill(-youngest->group, SIGKILL);
    }
    changed_.wait_for(lock, stop, std::chrono::milliseconds(50), [] { return false; });
  }
}

// Call it with the lock. If no command of this rank runs whose end would free memory, the wait may have no end.
void Processes::tell_of_memory(double waited) {
  if (said_memory_ || waited < silent_wait || !running_.empty()) return;
  said_memory_ = true;
  std::cerr << "stint: no command begins while less than " + gibibytes(limits_.memory_free) + " GiB of memory are free (--memfree); now " +
                   gibibytes(memory_available()) + " GiB of " + gibibytes(memory_total()) + " GiB are\n";
}

// False: asked to stop.
bool Processes::await_turn(const Caller& caller) {
  const double begun = steady();
  for (bool said = false; !caller.stop();) {
    {
      const std::lock_guard lock(mutex_);
      const double time = steady();
      const bool room = limits_.memory_free == 0 || memory_available() >= limits_.memory_free;
      if (time >= next_start_ && room) {
        next_start_ = time + limits_.delay;
        return true;
      }
      if (!room && !said) caller.waits("waits for free memory");
      said = said || !room;
      if (!room) tell_of_memory(time - begun);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

std::vector<std::string> Processes::words_of(const std::string& text) const {
  if (!needs_shell(text)) {
    auto words = plain_words(text);
    if (!is_function(words.front())) return words;
  }
  return {shell_.empty() ? "/bin/sh" : shell_, "-c", text};
}

bool Processes::is_function(const std::string& word) const {
  if (shell_.empty()) return false;
  const auto begin = "BASH_FUNC_" + word + "%%=";
  return std::ranges::any_of(environment_, [&](const std::string& variable) { return variable.starts_with(begin); });
}

// Returns an errno.
int Processes::start(const std::vector<std::string>& words, const std::vector<std::string>& more, Capture& capture,
                     int& pid) {
  const std::string program = find_program(words[0], environment_, folder_);
  if (program.empty()) return ENOENT;
  const auto environment = pointers(environment_, more);
  SpawnSettings settings(-1, capture.out_end(), capture.err_end(), POSIX_SPAWN_SETPGROUP);
  if (!folder_.empty()) posix_spawn_file_actions_addchdir_np(&settings.actions, folder_.c_str());
  const int error = ::posix_spawn(&pid, program.c_str(), &settings.actions, &settings.attributes,
                                  pointers(words).data(), environment.data());
  if (error != ENOEXEC) return error;
  std::vector<std::string> script{"/bin/sh", program};  // without #!
  script.insert(script.end(), words.begin() + 1, words.end());
  return ::posix_spawn(&pid, "/bin/sh", &settings.actions, &settings.attributes, pointers(script).data(),
                       environment.data());
}

// A command could not start: waits until the next attempt. False: no command runs here whose end could make room.
bool Processes::await_room(double& alone_since) {
  {
    const std::lock_guard lock(mutex_);
    if (!running_.empty()) {
      alone_since = 0;
    } else if (alone_since == 0) {
      alone_since = steady();
    }
  }
  if (alone_since > 0 && steady() - alone_since > patience) return false;
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return true;
}

std::list<Processes::Running>::iterator Processes::note_begin(int pid, double begun, const Caller& caller) {
  const std::lock_guard lock(mutex_);
  return running_.insert(running_.end(), {.group = pid, .since = begun, .abandon = &caller.abandon});
}

std::optional<Ended> Processes::run(const std::vector<std::string>& words, const std::vector<std::string>& more, int out,
                                    int err, const Caller& caller) {
  if (!await_turn(caller)) return std::nullopt;
  Ended ended;
  std::optional<Capture> capture;
  int pid = -1;
  double begun = 0;
  for (double alone_since = 0;;) {
    int error = 0;
    try {
      capture.emplace(out, err);
      ended.start = now();
      begun = steady();
      error = start(words, more, *capture, pid);
    } catch (const std::system_error& no_pipe) {
      error = no_pipe.code().value();
    }
    if (error == 0) break;
    capture.reset();
    if (!is_shortage(error)) {
      ended.exit = error == ENOENT || error == ENOTDIR ? 127 : 126;
      ended.why = reason(error, words, folder_);
      return ended;
    }
    caller.waits(std::string("cannot begin yet: ") + std::strerror(error));
    if (!await_room(alone_since)) {
      throw std::runtime_error(std::string("cannot start a command: ") + std::strerror(error) +
                               "; raise the limit of this user (ulimit -u, ulimit -n) or give fewer --threads");
    }
    if (caller.stop()) return std::nullopt;
  }
  const auto mine = note_begin(pid, begun, caller);
  capture->began();
  caller.began(pid);
  capture->follow(pid);
  // Not reaped yet: its pid cannot become another process's while it is watched.
  ended.seconds = steady() - begun;
  bool for_memory = false, told = false;
  {
    const std::lock_guard lock(mutex_);
    ended.timed_out = mine->timed_out;
    told = mine->told > 0;
    ended.abandoned = told && !mine->timed_out;
    for_memory = mine->for_memory;
    running_.erase(mine);
    if (limits_.timeout_share > 0) times_.insert(std::ranges::upper_bound(times_, ended.seconds), ended.seconds);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  ended.left_some = group_lives(pid);
  if (told && ended.left_some) {
    // The shell has ended; the processes that it started also have time to end.
    for (const double end = steady() + kill_seconds; ended.left_some && steady() < end;
         ended.left_some = group_lives(pid)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (ended.left_some) ::kill(-pid, SIGKILL);
  }
  capture->finish();
  ended.output_error = capture->error();
  if (for_memory && WIFSIGNALED(status)) return std::nullopt;
  if (WIFSIGNALED(status)) {
    ended.signal = WTERMSIG(status);
  } else {
    ended.exit = WEXITSTATUS(status);
  }
  return ended;
}

Keeper::Keeper(const std::string& worker) {
  if (worker.empty()) throw std::logic_error("a keeper needs a name to know its commands by");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error(std::string("no pipe: ") + std::strerror(errno));
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  // $0 is the worker. Kills a group leader with its group; finds processes outside of it by their environment.
  std::vector<std::string> words{"/bin/sh", "-c", R"sh(
read -r word
[ "$word" = done ] && exit 0
empty=0
for signal in TERM TERM KILL KILL KILL; do
  found=
  for file in $(grep -lszFx "STINT_WORKER=$0" /proc/[0-9]*/environ); do
    found=1 pid=${file#/proc/} pid=${pid%/environ}
    kill -s $signal -- -$pid || kill -s $signal $pid
  done
  # Within execve a process has no environment to be seen: once is not enough.
  if [ "$found" ]; then empty=0; else empty=$((empty + 1)); fi
  [ $empty -ge 2 ] && exit 0
  sleep 1
done
)sh",
                                 worker};
  std::vector<std::string> variables{std::string("PATH=") +
                                     (std::getenv("PATH") != nullptr ? std::getenv("PATH") : "/usr/bin:/bin")};
  SpawnSettings settings(ends[0], null, null, POSIX_SPAWN_SETSID);
  const int error = ::posix_spawn(&pid_, "/bin/sh", &settings.actions, &settings.attributes, pointers(words).data(),
                                  pointers(variables).data());
  ::close(ends[0]);
  ::close(null);
  pipe_ = ends[1];
  if (error != 0) throw std::runtime_error(std::string("cannot start /bin/sh: ") + std::strerror(error));
}

Keeper::~Keeper() {
  [[maybe_unused]] const auto written = ::write(pipe_, "done\n", 5);
  ::close(pipe_);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace stint::commands
