// SPDX-License-Identifier: Apache-2.0
#include "cli/guardian.hpp"

#include "base/error.hpp"
#include "base/pause.hpp"
#include "cli/append_only_tail.hpp"
#include "cli/data_lease.hpp"
#include "cli/home.hpp"
#include "redis/connection.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
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
const std::string note = "note: ";
constexpr auto poll_pause = std::chrono::milliseconds(2);
constexpr int start_seconds = 60;            // for a server that loads much data
constexpr std::uint64_t least_space = std::uint64_t{64} << 20;  // bytes

std::atomic<bool> told_to_stop{false};
std::atomic<bool> data_lost{false};  // another node serves them now

redis::Address address_of(const fs::path& home) {
  redis::Address address;
  address.socket = socket_path(home).string();
  return address;
}

enum class Answer { none, loading, ready };

Answer ask(const redis::Address& address) {
  try {
    redis::Connection(address, std::chrono::seconds(5)).command({"PING"});
    return Answer::ready;
  } catch (const redis::Refused& refused) {
    return refused.word() == "LOADING" ? Answer::loading : Answer::ready;
  } catch (const redis::Lost&) {
    return Answer::none;
  }
}

std::string program_on_path(const std::string& name) {
  if (name.find('/') != name.npos) return ::access(name.c_str(), X_OK) == 0 ? name : "";
  const char* path = std::getenv("PATH");
  std::string rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    const std::string file = rest.substr(0, colon) + "/" + name;
    if (::access(file.c_str(), X_OK) == 0) return file;
    rest = colon == rest.npos ? "" : rest.substr(colon + 1);
  }
  return "";
}

std::string server_program() {
  if (const char* given = std::getenv("STINT_REDIS_SERVER"); given != nullptr && *given != '\0') {
    const auto found = program_on_path(given);
    if (!found.empty()) return found;
    throw Error(Exit::board, std::string("STINT_REDIS_SERVER names ") + given +
                                 ", which is no program that can be run; correct it, or unset it");
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

void write_configuration(const fs::path& home, const fs::path& file) {
  fs::create_directories(home / "data");
  ::chmod((home / "data").c_str(), 0700);
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    throw Error(Exit::board, "cannot write " + file.string() + ": " + std::strerror(errno) + "; set STINT_HOME");
  }
  ::close(descriptor);
  std::ofstream(file) << "port 0\n"
                      << "unixsocket " << socket_path(home).string() << "\n"
                      << "unixsocketperm 700\n"
                      << "daemonize no\n"
                      << "dir \"" << (home / "data").string() << "\"\n"
                      << "appendonly yes\nappendfsync everysec\naof-use-rdb-preamble yes\nsave \"\"\n"
                      << "maxmemory-policy noeviction\n"
                      << "logfile \"" << (home / "redis.log").string() << "\"\n"
                      // Redis raises its own limit of open files as far as it may, and takes so many clients.
                      << "maxclients " << most_clients << "\n"
                      << "busy-reply-threshold 60000\n";
}

pid_t start_server(const fs::path& home) {
  const std::string program = server_program();
  const fs::path configuration = home / "redis.conf";
  check_space(home);
  write_configuration(home, configuration);
  cut_open_transaction(home / "data" / "appendonlydir");
  std::string name = "redis-server";
  std::string file = configuration.string();
  char* arguments[] = {name.data(), file.data(), nullptr};
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments, environ);
  if (error != 0) throw Error(Exit::board, "cannot start " + program + ": " + std::strerror(error));
  return pid;
}

std::string last_log_line(const fs::path& home) {
  std::ifstream file(home / "redis.log");
  std::string line;
  std::string last;
  while (std::getline(file, line)) {
    if (line.find(" # ") != line.npos) last = line.substr(line.find(" # ") + 3);
  }
  return last;
}

// To whoever started us; what is not the last line is a note for the user.
void tell(int ready, const std::string& line, bool last = true) {
  if (ready < 0) return;
  const std::string whole = line + "\n";
  [[maybe_unused]] const auto written = ::write(ready, whole.data(), whole.size());
  if (last) ::close(ready);
}

std::string silent(const fs::path& home, const redis::Address& address) {
  return "the blackboard at " + address.shown() + " does not answer after " + std::to_string(start_seconds) + " s; see " +
         (home / "redis.log").string();
}

// Waits until the server answers; a server that is not our child has no pid. Throws when it ends or is too slow.
void await_server(const fs::path& home, const redis::Address& address, pid_t server) {
  const auto end = steady_clock::now() + std::chrono::seconds(start_seconds);
  for (auto answer = ask(address); answer != Answer::ready; answer = ask(address)) {
    if (data_lost) throw Error(Exit::board, "another node took over the data in " + home.string());
    int status = 0;
    if (server > 0 && ::waitpid(server, &status, WNOHANG) == server) {
      const std::string log = (home / "redis.log").string();
      throw Error(Exit::board, "the blackboard's redis-server ended at once: " + last_log_line(home) + " (see " + log +
                                   "; damaged data: redis-check-aof --fix " + (home / "data/appendonlydir").string() +
                                   "/*.aof.manifest)");
    }
    // A server that still loads its data answers LOADING; that may take as long as it takes.
    if (answer == Answer::none && steady_clock::now() > end) {
      throw Error(Exit::board, silent(home, address));
    }
    std::this_thread::sleep_for(poll_pause);
  }
}

// Other clients than the one that asks; -1: no answer.
int clients(const redis::Address& address) {
  try {
    redis::Connection connection(address, std::chrono::seconds(5));
    const auto info = connection.command({"INFO", "clients"}).str();
    const auto at = info.find("connected_clients:");
    return at == info.npos ? 0 : std::atoi(info.c_str() + at + 18) - 1;
  } catch (const std::exception&) {
    return -1;
  }
}

void shut_down(const redis::Address& address) {
  try {
    redis::Connection(address, std::chrono::seconds(30)).command({"SHUTDOWN", "NOSAVE"});
  } catch (const std::exception&) {
    // It hangs up instead of answering.
  }
}

int lock_data(const fs::path& home) {
  const int file = ::open((home / "serve.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file >= 0 && ::flock(file, LOCK_EX | LOCK_NB) == 0) return file;
  if (file >= 0) ::close(file);
  return -1;
}

}  // namespace

int guard(const fs::path& home, double idle, int ready) {
  const auto address = address_of(home);
  if (ready >= 0) ::fcntl(ready, F_SETFD, FD_CLOEXEC);  // the server must not keep it open
  pid_t server = -1;
  std::optional<DataLease> lease;  // given back when the server has ended
  try {
    const auto end = steady_clock::now() + std::chrono::seconds(start_seconds);
    int lock = -1;
    while ((lock = lock_data(home)) < 0) {
      // Another guardian is at it: its server will do, if it gets one.
      if (ask(address) == Answer::ready) {
        tell(ready, "ok");
        return 0;
      }
      if (steady_clock::now() > end) throw Error(Exit::board, silent(home, address));
      std::this_thread::sleep_for(poll_pause);
    }
    lease.emplace(home, DataLease::Owner::here(), DataLease::default_patience,
                  [&](const std::string& line) { tell(ready, note + line, false); });
    const std::jthread keeper([&](const std::stop_token& stop) {
      while (!data_lost && pause(stop, 0.5)) data_lost = !lease->renew();
    });
    if (ask(address) == Answer::none) {
      part_from_old_files(home / "data", lease->taken_over());
      server = start_server(home);
    }
    await_server(home, address, server);
    tell(ready, "ok");
    for (int signal : {SIGTERM, SIGINT}) std::signal(signal, [](int) { told_to_stop = true; });
    auto last_used = steady_clock::now();
    auto last_start = last_used;
    int quick_ends = 0;  // one after another
    while (!told_to_stop && !data_lost) {
      std::this_thread::sleep_for(std::chrono::milliseconds(250));
      int status = 0;
      const bool died = server > 0 && ::waitpid(server, &status, WNOHANG) == server;
      if (died || (server < 0 && ask(address) == Answer::none)) {
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && died) return 0;  // it was told to end
        quick_ends = steady_clock::now() - last_start < std::chrono::seconds(2) ? quick_ends + 1 : 0;
        if (quick_ends > 3) return static_cast<int>(Exit::board);
        server = start_server(home);
        last_start = steady_clock::now();
        await_server(home, address, server);
      }
      const auto now = steady_clock::now();
      if (clients(address) != 0) last_used = now;
      if (std::chrono::duration<double>(now - last_used).count() > idle) break;
    }
    // What a server still wrote to files that are no longer its own would be lost in them.
    if (data_lost && server > 0) ::kill(server, SIGKILL);
    shut_down(address);
    if (server > 0) ::waitpid(server, nullptr, 0);
    return data_lost ? static_cast<int>(Exit::board) : 0;
  } catch (const std::exception& error) {
    // A server that nobody looks after would keep the data from the next one.
    if (server > 0) {
      ::kill(server, SIGTERM);
      ::waitpid(server, nullptr, 0);
    }
    tell(ready, error.what());
    return static_cast<int>(Exit::board);
  }
}

redis::Address embedded_blackboard() {
  const fs::path home = home_folder();
  const auto address = address_of(home);
  if (ask(address) == Answer::ready) return address;
  server_program();
  check_space(home);
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) throw Error(Exit::board, std::string("no pipe: ") + std::strerror(errno));
  const std::string self = fs::read_symlink("/proc/self/exe").string();
  const std::string ready = std::to_string(pipe_ends[1]);
  const char* idle = std::getenv("STINT_IDLE");
  std::vector<std::string> words{self, "serve", "--foreground", "--home", home.string(), "--ready", ready,
                                 "--idle", idle != nullptr && *idle != '\0' ? idle : "600"};
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  // The variables of the launcher are not for a process that outlives it.
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::strncmp(*variable, "OMPI_", 5) != 0 && std::strncmp(*variable, "PMIX_", 5) != 0) {
      variables.push_back(*variable);
    }
  }
  variables.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw Error(Exit::board, std::string("cannot start a process: ") + std::strerror(errno));
  if (child == 0) {
    // Only calls that are safe after fork. Twice, so that nobody has to wait for the guardian.
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    const int null = ::open("/dev/null", O_RDWR);
    for (int descriptor : {0, 1, 2}) ::dup2(null, descriptor);
    const long most = std::min(::sysconf(_SC_OPEN_MAX), 65536L);
    for (int descriptor = 3; descriptor < most; ++descriptor) {
      if (descriptor != pipe_ends[1]) ::close(descriptor);
    }
    ::fcntl(pipe_ends[1], F_SETFD, 0);
    if (::chdir("/") != 0) ::_exit(127);
    ::execve(self.c_str(), arguments.data(), variables.data());
    ::_exit(127);
  }
  ::close(pipe_ends[1]);
  int status = 0;
  ::waitpid(child, &status, 0);
  std::string line;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> answers(::fdopen(pipe_ends[0], "r"), std::fclose);
  char buffer[4096];
  while (std::fgets(buffer, sizeof buffer, answers.get()) != nullptr) {
    line = buffer;
    while (!line.empty() && line.back() == '\n') line.pop_back();
    if (line.starts_with(note)) std::fprintf(stderr, "stint: %s\n", std::exchange(line, "").substr(note.size()).c_str());
  }
  if (line != "ok") {
    throw Error(Exit::board, line.empty() ? "the guardian of the blackboard ended at once; see " +
                                                (home / "redis.log").string()
                                          : line);
  }
  return address;
}

redis::Address existing_blackboard() {
  const fs::path home = home_folder();
  const auto address = address_of(home);
  if (ask(address) != Answer::none) return address;
  if (!fs::exists(home / "data")) {
    throw Error(Exit::usage, "there is no run yet in " + home.string() + "; stint run JOB starts one");
  }
  return embedded_blackboard();
}

bool stop_embedded() {
  const fs::path home = home_folder();
  const auto address = address_of(home);
  if (ask(address) == Answer::none) return false;
  shut_down(address);
  const auto end = steady_clock::now() + std::chrono::seconds(30);
  // The guardian lets go of the lock when the server is gone.
  for (int lock = lock_data(home); steady_clock::now() < end; lock = lock_data(home)) {
    if (lock >= 0) {
      ::close(lock);
      if (ask(address) == Answer::none) return true;
    }
    std::this_thread::sleep_for(poll_pause);
  }
  throw Error(Exit::board, "the blackboard at " + address.shown() + " does not end; see " +
                               (home / "redis.log").string());
}

}  // namespace stint
