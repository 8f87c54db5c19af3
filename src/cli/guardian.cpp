// SPDX-License-Identifier: Apache-2.0
#include "cli/guardian.hpp"

#include "base/error.hpp"
#include "base/pause.hpp"
#include "cli/board_upkeep.hpp"
#include "cli/data_lease.hpp"
#include "cli/data_lock.hpp"
#include "cli/data_mark.hpp"
#include "cli/embedded_server.hpp"
#include "cli/home_board.hpp"
#include "cli/private_file.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace stint {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;
constexpr auto guardian_pause = std::chrono::milliseconds(20);
constexpr int watch_pause = 250;       // ms
constexpr int other_silent_seconds = 60;  // another guardian on this host gives no sign, and its server does not load
constexpr int older_end_seconds = 15;  // for a server whose guardian was killed
constexpr auto rewrite_patience = std::chrono::seconds(5);
constexpr auto sign_pause = std::chrono::seconds(5);
constexpr auto mark_pause = std::chrono::seconds(1);
constexpr auto quick = std::chrono::seconds(2);
constexpr int most_quick_ends = 3;

std::atomic<bool> told_to_stop{false};
std::atomic<bool> data_lost{false};  // another node serves the data now

class Guardian {
 public:
  Guardian(fs::path home, const GuardOptions& options) : home_(std::move(home)), options_(options), ready_(options.ready) {}
  ~Guardian();
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

  int run();
  /// Writes the last line for the process that started this one.
  void answer(const std::string& line);

 private:
  bool take_lock();
  void end_older_server();
  void start_server(const std::string& interface);
  void keep_lease(const std::stop_token& stop);
  int watch();
  bool start_again();
  void listen_where_wished(const std::string& interface);
  void note(const std::string& line);
  void tell(std::string line) const;
  void log(const std::string& line) const;

  const fs::path home_;
  const GuardOptions options_;
  int ready_;  // -1: no process reads any more
  // In this order: the server ends first, then the lease is released.
  std::optional<DataLock> lock_;
  std::optional<DataLease> lease_;
  std::jthread keeper_;
  std::optional<EmbeddedServer> server_;
  steady_clock::time_point last_start_;
  steady_clock::time_point last_sign_;  // to the process that started this one
  int quick_ends_ = 0;  // successive ones
};

// Also removes the socket and its folder.
Guardian::~Guardian() {
  if (!server_) return;
  const fs::path socket = server_->address().socket;
  server_.reset();
  if (socket.empty()) return;
  ::unlink(socket.c_str());
  ::rmdir(socket.parent_path().c_str());
}

void Guardian::answer(const std::string& line) {
  if (line != guard_ok) log(line);
  tell(line);
  if (ready_ >= 0) ::close(std::exchange(ready_, -1));
}

// Writes a line for the user, and into the log.
void Guardian::note(const std::string& line) {
  tell(guard_note + line);
  log(line);
}

void Guardian::tell(std::string line) const {
  std::ranges::replace(line, '\n', ' ');
  line += '\n';
  if (ready_ >= 0) [[maybe_unused]] const auto written = ::write(ready_, line.data(), line.size());
}

void Guardian::log(const std::string& line) const {
  const auto text = "guardian: " + line + "\n";
  const int file = ::open((home_ / "redis.log").c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return;
  [[maybe_unused]] const auto written = ::write(file, text.data(), text.size());
  ::close(file);
}

// False: another guardian, here or on another host, has a server that answers.
bool Guardian::take_lock() {
  auto end = steady_clock::now() + std::chrono::seconds(other_silent_seconds);
  for (;; std::this_thread::sleep_for(guardian_pause)) {
    if ((lock_ = DataLock::take(home_))) return true;
    const auto said = ask(socket_address(home_));
    if (said == Answer::ready || (said == Answer::none && answering(home_))) return false;
    if (said == Answer::none && held_elsewhere(home_)) ask_to_listen(home_);
    if (said == Answer::loading) end = steady_clock::now() + std::chrono::seconds(other_silent_seconds);
    if (steady_clock::now() < end) continue;
    const auto other = guardian_here(home_);
    const auto pid = other && other->pid > 0 ? " " + std::to_string(other->pid) : "";
    throw Error(Exit::board, "the process" + pid + " that looks after the blackboard in " + home_.string() +
                                 " has given no sign for " + std::to_string(other_silent_seconds) + " s; end it (kill" + pid +
                                 "), and see " + (home_ / "redis.log").string());
  }
}

// The guardian of that server was killed, and the kernel has sent SIGTERM to the server; with much data its end takes a while.
void Guardian::end_older_server() {
  const auto address = socket_address(home_);
  const auto end = steady_clock::now() + std::chrono::seconds(older_end_seconds);
  for (; ask(address) != Answer::none; std::this_thread::sleep_for(guardian_pause)) {
    shut_down(address);
    if (steady_clock::now() > end) {
      throw Error(Exit::board, "an older redis-server at " + address.shown() + " does not end; end it by hand, and see " +
                                   (home_ / "redis.log").string());
    }
  }
}

// Lets the server also listen on the network, if the user wants that, if it did before, or if another host asks for it.
void Guardian::listen_where_wished(const std::string& interface) {
  if (!interface.empty()) {
    open_to_network(home_, interface);
  } else if (fs::exists(connection_file(home_))) {
    try {
      open_to_network(home_, "auto");
    } catch (const Error&) {
      // This host has no network: processes of this host can still use the server.
    }
  }
}

void Guardian::start_server(const std::string& interface) {
  server_->start();
  lock_->write(options_.job, server_->address().socket);
  last_start_ = steady_clock::now();
  bool listens = false;
  server_->await_answer([&](Answer said) {
    if (told_to_stop) throw Error(Exit::interrupted, "the blackboard was ended while it started");
    if (data_lost) throw Error(Exit::board, "another node took over the data in " + home_.string());
    if (steady_clock::now() - last_sign_ > sign_pause) {
      last_sign_ = steady_clock::now();
      tell(guard_loads);
    }
    // Also while it loads, so that other hosts see it.
    if (said != Answer::none && (!std::exchange(listens, true) || asked_to_listen(home_))) listen_where_wished(interface);
  });
}

// False: the server ends too often.
bool Guardian::start_again() {
  quick_ends_ = steady_clock::now() - last_start_ < quick ? quick_ends_ + 1 : 0;
  if (quick_ends_ > most_quick_ends) return false;
  server_->end();
  start_server("");
  return true;
}

// If the home is out of reach, the data count as lost before another guardian may take them over.
void Guardian::keep_lease(const std::stop_token& stop) {
  auto renewed = steady_clock::now();
  while (!data_lost && pause(stop, 0.5)) {
    try {
      data_lost = !lease_->renew();
      renewed = steady_clock::now();
    } catch (const std::exception&) {
      data_lost = steady_clock::now() - renewed > std::chrono::duration<double>(DataLease::default_patience * 0.8);
    }
  }
}

int Guardian::watch() {
  BoardUpkeep upkeep(home_);
  auto last_used = steady_clock::now();
  auto marked = last_used - mark_pause;
  while (!told_to_stop && !data_lost) {
    ::poll(nullptr, 0, watch_pause);  // a signal ends the wait
    if (told_to_stop || data_lost) break;
    const bool running = server_->running();
    if (!running && server_->ended_well()) return 0;  // it was shut down
    if (running && !server_->has_socket()) note("the blackboard's socket has vanished; starting the server again, on a new one");
    if ((!running || !server_->has_socket()) && !start_again()) return static_cast<int>(Exit::board);
    if (asked_to_listen(home_)) listen_where_wished("");
    const auto facts = board_facts(server_->address());
    const auto now = steady_clock::now();
    if (!facts.answers || facts.clients > 0) last_used = now;
    upkeep.now_and_then(server_->address(), facts);
    if (now - marked >= mark_pause) {
      marked = now;
      write_data_mark(home_);
    }
    if (std::chrono::duration<double>(now - last_used).count() <= options_.idle) continue;
    fs::remove(connection_file(home_));  // no rank is to start it again; this guardian has the lease, so no other host serves
    break;
  }
  // The files are no longer this server's own: what it still wrote to them would be lost.
  if (data_lost) {
    server_->kill();
    return static_cast<int>(Exit::board);
  }
  upkeep.before_end(server_->address(), rewrite_patience);
  write_data_mark(home_);
  return 0;
}

int Guardian::run() {
  if (ready_ >= 0) ::fcntl(ready_, F_SETFD, FD_CLOEXEC);  // the server must not inherit it
  server_program();
  check_space(home_);
  make_home_secret(home_);
  if (!take_lock()) {
    answer(guard_ok);
    return 0;
  }
  fs::remove(stopped_file(home_));
  const auto say = [this](const std::string& line) { note(line); };
  lease_.emplace(home_, DataLease::Owner::here(), DataLease::default_patience, say);
  keeper_ = std::jthread([this](const std::stop_token& stop) { keep_lease(stop); });
  end_older_server();
  part_from_old_files(home_ / "data", lease_->taken_over());
  // Until here SIGTERM ends this process at once: there is no server yet.
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) std::signal(signal, [](int) { told_to_stop = true; });
  server_.emplace(home_, say);
  start_server(options_.interface);
  answer(guard_ok);
  return watch();
}

}  // namespace

fs::path stopped_file(const fs::path& home) { return home / "stopped"; }

int guard(const fs::path& home, const GuardOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);  // the process that started this one may be gone
  Guardian guardian(home, options);
  try {
    return guardian.run();
  } catch (const Error& error) {
    guardian.answer(std::to_string(static_cast<int>(error.exit())) + " " + error.what());
    return static_cast<int>(error.exit());
  } catch (const std::exception& error) {
    guardian.answer(std::to_string(static_cast<int>(Exit::board)) + " " + error.what());
    return static_cast<int>(Exit::board);
  }
}

}  // namespace stint
