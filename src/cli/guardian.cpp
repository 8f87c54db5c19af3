// SPDX-License-Identifier: Apache-2.0
#include "cli/guardian.hpp"

#include "base/error.hpp"
#include "base/pause.hpp"
#include "cli/append_only_tail.hpp"
#include "cli/data_lease.hpp"
#include "cli/home.hpp"
#include "cli/home_board.hpp"
#include "cli/private_file.hpp"
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
#include <sstream>
#include <string>
#include <sys/file.h>
#include <sys/prctl.h>
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
constexpr auto poll_pause = std::chrono::milliseconds(2);
constexpr auto look_pause = std::chrono::milliseconds(20);
constexpr int start_seconds = 60;            // for a server that loads much data
constexpr std::uint64_t least_space = std::uint64_t{64} << 20;  // bytes

std::atomic<bool> told_to_stop{false};
std::atomic<bool> data_lost{false};  // another node serves them now

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
  std::ostringstream text;
  text << "port 0\n"
       << "unixsocket " << socket_path(home).string() << "\n"
       << "unixsocketperm 700\n"
       << "proc-title-template \"{title} unixsocket:{unixsocket}\"\n"  // which home it is of, wherever it listens
       << "protected-mode yes\n"
       << "requirepass " << make_home_secret(home) << "\n"
       << "daemonize no\n"
       << "dir \"" << (home / "data").string() << "\"\n"
       << "appendonly yes\nappendfsync everysec\naof-use-rdb-preamble yes\nsave \"\"\n"
       << "maxmemory-policy noeviction\n"
       << "logfile \"" << (home / "redis.log").string() << "\"\n"
       // Redis raises its own limit of open files as far as it may, and takes so many clients.
       << "maxclients " << most_clients << "\n"
       << "busy-reply-threshold 60000\n";
  write_private(file, text.str());
}

// It ends with its guardian: a server that nobody looks after has no lease, and another host would start a second one on
// the same data. Called by the guardian's first thread alone, as whose death the kernel takes its end.
pid_t start_server(const fs::path& home) {
  const std::string program = server_program();
  const fs::path configuration = home / "redis.conf";
  check_space(home);
  write_configuration(home, configuration);
  cut_open_transaction(home / "data" / "appendonlydir");
  std::string name = "redis-server";
  std::string file = configuration.string();
  char* arguments[] = {name.data(), file.data(), nullptr};
  const pid_t guardian = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw Error(Exit::board, "cannot start " + program + ": " + std::strerror(errno));
  if (pid == 0) {
    // Only calls that are safe after fork.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() == guardian) ::execve(program.c_str(), arguments, environ);
    ::_exit(127);
  }
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

// On the network, too, where that is wished, was so before, or another host asks for it.
void listen_where_wished(const fs::path& home, const std::string& interface) {
  if (!interface.empty()) {
    open_to_network(home, interface);
  } else if (fs::exists(connection_file(home))) {
    try {
      open_to_network(home, "auto");
    } catch (const Error&) {
      // This host has no network: the server is still good for those who are here.
    }
  }
}

// Waits until the server answers; a server that is not our child has no pid. Throws when it ends or is too slow.
void await_server(const fs::path& home, const redis::Address& address, const std::string& interface, pid_t server) {
  const auto end = steady_clock::now() + std::chrono::seconds(start_seconds);
  bool listens = false;
  for (auto answer = ask(address);; answer = ask(address)) {
    // Also while it loads: so others see that it is there.
    if (answer != Answer::none && (!std::exchange(listens, true) || asked_to_listen(home))) {
      listen_where_wished(home, interface);
    }
    if (answer == Answer::ready || answer == Answer::stranger) return;
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

}  // namespace

int lock_data(const fs::path& home) {
  const int file = ::open((home / "serve.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file >= 0 && ::flock(file, LOCK_EX | LOCK_NB) == 0) return file;
  if (file >= 0) ::close(file);
  return -1;
}

int guard(const fs::path& home, const GuardOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);  // whoever started us may be gone
  const int ready = options.ready;
  redis::Address address;
  if (ready >= 0) ::fcntl(ready, F_SETFD, FD_CLOEXEC);  // the server must not keep it open
  pid_t server = -1;
  std::optional<DataLease> lease;  // given back when the server has ended
  try {
    server_program();
    check_space(home);
    make_home_secret(home);
    address = socket_address(home);
    const auto end = steady_clock::now() + std::chrono::seconds(start_seconds);
    int lock = -1;
    while ((lock = lock_data(home)) < 0) {
      // Another guardian is at it: its server will do, if it gets one.
      const auto answer = ask(address);
      if (answer == Answer::ready || (answer == Answer::none && answering(home))) {
        tell(ready, "ok");
        return 0;
      }
      if (answer == Answer::none && held_elsewhere(home)) ask_to_listen(home);
      if (steady_clock::now() > end) throw Error(Exit::board, silent(home, address));
      std::this_thread::sleep_for(look_pause);
    }
    lease.emplace(home, DataLease::Owner::here(), DataLease::default_patience,
                  [&](const std::string& line) { tell(ready, guard_note + line, false); });
    const std::jthread keeper([&](const std::stop_token& stop) {
      while (!data_lost && pause(stop, 0.5)) data_lost = !lease->renew();
    });
    if (ask(address) == Answer::none) {
      part_from_old_files(home / "data", lease->taken_over());
      server = start_server(home);
    }
    await_server(home, address, options.interface, server);
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
        await_server(home, address, "", server);
      }
      if (asked_to_listen(home)) listen_where_wished(home, "");
      const auto now = steady_clock::now();
      if (clients(address) != 0) last_used = now;
      if (std::chrono::duration<double>(now - last_used).count() > options.idle) {
        fs::remove(connection_file(home));  // nobody is to start it again; another host has not, we have the lease
        break;
      }
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

}  // namespace stint
