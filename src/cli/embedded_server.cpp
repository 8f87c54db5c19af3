// SPDX-License-Identifier: Apache-2.0
#include "cli/embedded_server.hpp"

#include "base/environment.hpp"
#include "base/error.hpp"
#include "cli/aof_repair.hpp"
#include "cli/data_mark.hpp"
#include "cli/home.hpp"
#include "cli/private_file.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

extern char** environ;

namespace stint {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;
constexpr auto poll_pause = std::chrono::milliseconds(2);
constexpr unsigned fewest_files = 64;       // Redis keeps 32 for itself
constexpr int server_silent_seconds = 60;  // before it reports that it loads its data

std::string program_on_path(const std::string& name) {
  if (name.find('/') != name.npos) return ::access(name.c_str(), X_OK) == 0 ? name : "";
  std::string rest = environment("PATH");
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    const std::string file = rest.substr(0, colon) + "/" + name;
    if (::access(file.c_str(), X_OK) == 0) return file;
    rest = colon == rest.npos ? "" : rest.substr(colon + 1);
  }
  return "";
}

// Whether the warning is Redis's error about data that it cannot read.
bool names_damage(std::string_view warning) {
  for (const auto* word : {"redis-check-aof", "redis-check-rdb", "Bad file format", "Unrecoverable error", "AOF file",
                           "manifest", "rdb file", "RDB", "Fatal error loading"}) {
    if (warning.find(word) != warning.npos) return true;
  }
  return false;
}

// Throws Error(usage) if too few open files are allowed. Redis itself would ask for the maximum that it could ever use.
void check_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max >= fewest_files) return;
  throw Error(Exit::usage, "the blackboard's redis-server needs " + std::to_string(fewest_files) +
                               " open files, and the user's limit is " + std::to_string(limit.rlim_max) + "; raise it (ulimit -n)");
}

// A pipe buffers this much; the configuration is far smaller.
int pipe_with(const std::string& text) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Error(Exit::board, std::string("no pipe: ") + std::strerror(errno) + shortage_advice(errno));
  const bool written = ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(ends[1]);
  if (written) return ends[0];
  ::close(ends[0]);
  throw Error(Exit::board, "cannot hand redis-server its configuration");
}

}  // namespace

std::string quoted_for_redis(std::string_view word) {
  constexpr char digits[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char each : word) {
    const auto byte = static_cast<unsigned char>(each);
    if (each == '"' || each == '\\') {
      quoted += {'\\', each};
    } else if (byte < ' ' || byte == 0x7f) {
      quoted += {'\\', 'x', digits[byte / 16], digits[byte % 16]};
    } else {
      quoted += each;
    }
  }
  return quoted + "\"";
}

std::string server_program() {
  if (const auto given = environment("STINT_REDIS_SERVER"); !given.empty()) {
    const auto found = program_on_path(given);
    if (!found.empty()) return found;
    throw Error(Exit::board, "STINT_REDIS_SERVER names " + given +
                                 ", which is not a program that can be run; correct it, or unset it");
  }
  for (const auto* name : {"redis-server", "valkey-server"}) {
    if (auto found = program_on_path(name); !found.empty()) return found;
  }
  throw Error(Exit::board,
              "cannot start a blackboard: neither redis-server nor valkey-server is on the PATH; install one (Debian: "
              "apt install redis-server), set STINT_REDIS_SERVER, or give --board redis://host:port");
}

void check_space(const fs::path& home) {
  struct statvfs info {};
  if (::statvfs(home.c_str(), &info) != 0) return;
  const std::uint64_t free = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  if (free < least_space) {
    throw Error(Exit::board, "no space for the blackboard: " + home.string() + " has " + std::to_string(free >> 20) +
                                 " MiB left, it needs 64; make room, or set STINT_HOME to another file system");
  }
}

EmbeddedServer::EmbeddedServer(fs::path home, std::function<void(const std::string& line)> say)
    : home_(std::move(home)), say_(std::move(say)) {}

EmbeddedServer::~EmbeddedServer() { end(); }

std::string EmbeddedServer::configuration() const {
  std::ostringstream text;
  text << "port 0\n"
       << "unixsocket " << quoted_for_redis(address_.socket) << "\n"
       << "unixsocketperm 700\n"
       << "proc-title-template \"{title} unixsocket:{unixsocket}\"\n"  // names the home, wherever the server listens
       << "protected-mode yes\n"
       << "requirepass " << quoted_for_redis(address_.password) << "\n"
       << "daemonize no\n"
       << "dir " << quoted_for_redis((home_ / "data").string()) << "\n"
       // An incomplete end was cut off before the start (aof_repair.hpp): all else that Redis finds is damage.
       << "appendonly yes\nappendfsync everysec\naof-use-rdb-preamble yes\naof-load-truncated no\nsave \"\"\n"
       << "maxmemory-policy noeviction\n"
       << "logfile " << quoted_for_redis((home_ / "redis.log").string()) << "\n"
       // Redis raises its own limit of open files as far as it may, and accepts as many clients.
       << "maxclients " << most_clients << "\n"
       << "busy-reply-threshold 60000\n";
  return text.str();
}

// The server ends with its guardian: without one it has no lease, and another host would start a second server on
// the same data. The configuration comes through a pipe: Redis would read `*` and `[` in a file's name as a pattern.
void EmbeddedServer::start() {
  const std::string program = server_program();
  check_space(home_);
  check_files();
  address_ = socket_address_to_make(home_);
  ended_well_ = false;
  socket_ = 0;
  check_data_mark(home_);
  make_private_folder(home_ / "data");
  const auto folder = append_only_folder(home_);
  if (fs::exists(fs::symlink_status(folder))) {
    check_private(folder, "two homes would write the same data; set STINT_HOME to a folder on the disk that is to have them");
  }
  check_own_file(home_ / "redis.log");
  std::error_code none;
  if (const auto note = repair_aof(folder); !note.empty()) {
    fs::remove(data_mark(home_), none);  // perhaps nothing is left before the cut; the guardian makes the mark again
    say_(note);
  }
  const auto log_size = fs::file_size(home_ / "redis.log", none);
  log_begin_ = none ? 0 : log_size;
  fs::remove(home_ / "redis.conf", none);  // of an earlier version of Stint, with the password
  const int input = pipe_with(configuration());
  std::string name = "redis-server";
  std::string from_input = "-";
  char* arguments[] = {name.data(), from_input.data(), nullptr};
  const pid_t guardian = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    // Only calls that are safe after fork.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    ::umask(077);
    ::dup2(input, 0);
    if (::getppid() == guardian) ::execve(program.c_str(), arguments, environ);
    ::_exit(127);
  }
  const int error = errno;
  ::close(input);
  if (pid_ < 0) throw Error(Exit::board, "cannot start " + program + ": " + std::strerror(error) + shortage_advice(error));
}

bool EmbeddedServer::running() {
  int status = 0;
  if (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    pid_ = -1;
    ended_well_ = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  return pid_ > 0;
}

void EmbeddedServer::await_answer(const std::function<void(Answer)>& meanwhile) {
  const auto end = steady_clock::now() + std::chrono::seconds(server_silent_seconds);
  for (;; std::this_thread::sleep_for(poll_pause)) {
    const auto answer = ask(address_);
    meanwhile(answer);
    if (answer == Answer::ready || answer == Answer::stranger) break;
    if (!running()) {
      const auto warning = last_warning();
      const auto log = (home_ / "redis.log").string();
      if (!names_damage(warning)) {
        const bool no_threads = warning.find("Background Jobs") != warning.npos;  // Redis's error if it cannot start threads
        throw Error(Exit::board, "the blackboard's redis-server ended at once: " + warning + " (see " + log + ")" +
                                     (no_threads ? shortage_advice(EAGAIN) : ""));
      }
      throw Error(Exit::damaged, "the blackboard's data in " + (home_ / "data").string() + " are damaged: " + warning +
                                     " (see " + log + "); put back a copy of them, try redis-check-aof --fix " +
                                     (append_only_folder(home_) / "appendonly.aof.manifest").string() +
                                     " on one, or move " + home_.string() + " away to begin anew");
    }
    if (answer == Answer::none && steady_clock::now() > end) {
      throw Error(Exit::board, "the blackboard at " + address_.shown() + " does not answer after " +
                                   std::to_string(server_silent_seconds) + " s; see " + (home_ / "redis.log").string());
    }
  }
  struct stat info {};
  if (::lstat(address_.socket.c_str(), &info) == 0) socket_ = info.st_ino;
}

bool EmbeddedServer::has_socket() const {
  struct stat info {};
  return ::lstat(address_.socket.c_str(), &info) == 0 && S_ISSOCK(info.st_mode) && info.st_ino == socket_;
}

void EmbeddedServer::end(std::chrono::seconds patience) {
  if (!running()) return;
  ::kill(pid_, patience.count() > 0 ? SIGTERM : SIGKILL);
  for (const auto last = steady_clock::now() + patience; running(); std::this_thread::sleep_for(poll_pause)) {
    if (steady_clock::now() > last) ::kill(pid_, SIGKILL);
  }
}

std::string EmbeddedServer::last_warning() const {
  std::ifstream file(home_ / "redis.log");
  file.seekg(static_cast<std::streamoff>(log_begin_));
  std::string last = "it says nothing";
  for (std::string line; std::getline(file, line);) {
    if (const auto at = line.find(" # "); at != line.npos) last = line.substr(at + 3);
  }
  return last;
}

}  // namespace stint
