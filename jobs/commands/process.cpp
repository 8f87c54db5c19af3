// SPDX-License-Identifier: Apache-2.0
#include "process.hpp"

#include "arguments.hpp"

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
#include <fstream>
#include <stdexcept>

extern char** environ;

namespace stint::commands {
namespace {

constexpr double kill_seconds = 5;                   // between SIGTERM and SIGKILL
constexpr std::size_t enough_times = 3;              // for a median
constexpr std::size_t largest_argument = 128 << 10;  // bytes; MAX_ARG_STRLEN of Linux

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

// Bytes that new processes can have; all there is, where the system does not say.
std::uint64_t memory_available() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::uint64_t kib = 0;
  for (std::string unit; file >> name >> kib; std::getline(file, unit)) {
    if (name == "MemAvailable:") return kib * 1024;
  }
  return ~std::uint64_t{0};
}

// Seconds that no change of the clock moves.
double steady() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// As posix_spawn takes them; it writes to none.
std::vector<char*> pointers(const std::vector<std::string>& words, const std::vector<std::string>& more = {}) {
  std::vector<char*> list;
  list.reserve(words.size() + more.size() + 1);
  for (const auto* part : {&words, &more}) {
    for (const auto& word : *part) list.push_back(const_cast<char*>(word.data()));
  }
  list.push_back(nullptr);
  return list;
}

std::string reason(int error, const std::string& program, const std::string& folder, std::size_t bytes) {
  if (error == E2BIG && bytes < largest_argument)
    return "the variables of its environment are more than the kernel takes";
  if (error == ENOENT && !folder.empty() && ::access(folder.c_str(), X_OK) != 0) {
    return "its folder " + folder + ": " + std::strerror(errno);
  }
  if (error == E2BIG) {
    return "the command has " + std::to_string(bytes) +
           " bytes, more than the kernel takes in one argument (131,071); put it into a script";
  }
  return program + ": " + std::strerror(error);
}

// What a started process gets: the three descriptors, a group of its own, no signal blocked or ignored.
class SpawnSettings {
 public:
  SpawnSettings(int in, int out, int err, short flags) {
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
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

}  // namespace

Processes::Processes(std::vector<std::string> environment, std::string folder, Limits limits)
    : environment_(std::move(environment)), folder_(std::move(folder)), limits_(limits) {
  watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

Processes::~Processes() = default;

// Seconds that a command may take now; 0: any time. With the lock.
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

// False: told to stop.
bool Processes::await_turn(const std::function<bool()>& stop) {
  while (!stop()) {
    {
      const std::lock_guard lock(mutex_);
      const double time = steady();
      if (time >= next_start_ && (limits_.memory_free == 0 || memory_available() >= limits_.memory_free)) {
        next_start_ = time + limits_.delay;
        return true;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

std::optional<Ended> Processes::run(const std::string& command, const std::vector<std::string>& more, int out, int err,
                                    const Caller& caller) {
  if (!await_turn(caller.stop)) return std::nullopt;
  const bool shell = needs_shell(command);
  const char* chosen = std::getenv("STINT_SHELL");
  const std::string program = shell ? (chosen != nullptr && *chosen != '\0' ? chosen : "/bin/sh") : "";
  const std::vector<std::string> words = shell ? std::vector<std::string>{program, "-c", command} : plain_words(command);
  const auto arguments = pointers(words);
  const auto environment = pointers(environment_, more);

  SpawnSettings settings(-1, out, err, POSIX_SPAWN_SETPGROUP);
  if (!folder_.empty()) posix_spawn_file_actions_addchdir_np(&settings.actions, folder_.c_str());
  Ended ended;
  ended.start = now();
  const double begun = steady();
  pid_t pid = -1;
  int error = ::posix_spawnp(&pid, words[0].c_str(), &settings.actions, &settings.attributes, arguments.data(),
                             environment.data());
  if (error == ENOEXEC) {  // a script without #!
    const std::vector<std::string> again{"/bin/sh", "-c", command};
    error = ::posix_spawn(&pid, "/bin/sh", &settings.actions, &settings.attributes, pointers(again).data(),
                          environment.data());
  }
  if (error != 0) {
    ended.exit = error == ENOENT || error == ENOTDIR ? 127 : 126;
    ended.why = reason(error, words[0], folder_, command.size());
    return ended;
  }
  std::list<Running>::iterator mine;
  {
    const std::lock_guard lock(mutex_);
    mine = running_.insert(running_.end(), {.group = pid, .since = begun, .abandon = &caller.abandon});
  }
  caller.began(pid);
  siginfo_t info{};
  // Not reaped yet: while it is watched, its number cannot become another's.
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
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
  ended.left_some = ::kill(-pid, 0) == 0;
  if (told && ended.left_some) {
    // Its shell is gone; what that had started has its time to end, too.
    for (const double end = steady() + kill_seconds; ended.left_some && steady() < end;
         ended.left_some = ::kill(-pid, 0) == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (ended.left_some) ::kill(-pid, SIGKILL);
  }
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
  // $0 is the worker. A group leader is ended with its group; who left it is found by its environment.
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
