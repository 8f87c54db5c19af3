// SPDX-License-Identifier: Apache-2.0
// Starts one command in a process group of its own, takes its output, waits for its end, and ends it when it takes too
// long. Nothing of this rank but three descriptors is passed on. A command that the system has no process, memory or
// descriptor for now has not begun, and begins later. Thread-safe: each thread of a rank runs a command at a time. And a
// keeper, a small process that ends all commands of this rank when the rank itself dies, even by SIGKILL.
#pragma once

#include "capture.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace stint::commands {

/// How a command ended.
struct Ended {
  int exit = 0;    ///< exit code; 127: no such program, 126: it cannot be run
  int signal = 0;  ///< that ended it; 0: none did
  bool timed_out = false;
  bool left_some = false;  ///< processes of its group live on
  bool abandoned = false;  ///< it was told to end, since nobody wanted it any more
  double start = 0;        ///< seconds since the epoch
  double seconds = 0;
  std::string why = {};   ///< it could not be started
  int output_error = 0;   ///< errno: a part of its output could not be written
};

struct Limits {
  double timeout = 0;        ///< seconds; 0: none
  double timeout_share = 0;  ///< of the median of the commands that ended here; 0: none
  double delay = 0;          ///< seconds between two beginnings
  std::uint64_t memory_free =
      0;  ///< bytes without which none begins; below half of it the youngest is ended, and begins again
};

/// Bytes of memory that this machine has.
std::uint64_t memory_total();

class Processes {
 public:
  /// `environment`: NAME=VALUE for every command. `folder`: where they run; empty: here.
  Processes(std::vector<std::string> environment, std::string folder, Limits limits);
  ~Processes();
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  /// What whoever runs a command wants, and wants to know.
  struct Caller {
    std::function<bool()> stop;     ///< it need not begin any more
    std::function<bool()> abandon;  ///< it is to end
    std::function<void(int pid)> began;
    std::function<void(const std::string& what)> waits = [](const std::string&) {};  ///< before it begins
  };
  /// The words with which a command as text is started: its own, or those of a shell that is given the text.
  [[nodiscard]] std::vector<std::string> words_of(const std::string& text) const;
  /// Whether the shell that the user has chosen knows the word as a function of the environment (`export -f`).
  [[nodiscard]] bool is_function(const std::string& word) const;
  /// Runs it to its end. `more`: further variables; `out`, `err`: files for its output. Returns without an
  /// `Ended` where it did not begin, since it need not; and where it was ended for want of memory: it may be run again.
  /// Throws std::runtime_error where it cannot begin although no other command of this rank runs: it has not begun.
  std::optional<Ended> run(const std::vector<std::string>& words, const std::vector<std::string>& more, int out, int err,
                           const Caller& caller);

 private:
  struct Running {
    int group = 0;
    double since = 0;
    const std::function<bool()>* abandon = nullptr;
    double told = 0;          // when it was told to end; 0: it was not
    bool timed_out = false;
    bool for_memory = false;  // ended for want of it
  };
  void watch(const std::stop_token& stop);
  bool await_turn(const Caller& caller);
  void tell_of_memory(double waited);
  int start(const std::vector<std::string>& words, const std::vector<std::string>& more, Capture& capture, int& pid);
  std::list<Running>::iterator note_begin(int pid, double begun, const Caller& caller);
  bool await_room(double& alone_since);
  [[nodiscard]] double limit() const;

  const std::vector<std::string> environment_;
  const std::string folder_;
  const Limits limits_;
  const std::string shell_;  // that the user has chosen; empty: none
  std::mutex mutex_;  // guards what follows
  std::list<Running> running_;
  std::vector<double> times_;  // sorted
  double next_start_ = 0;
  bool said_memory_ = false;
  std::condition_variable_any changed_;
  std::jthread watcher_;  // last: it uses all of the above
};

/// Ends every process that has STINT_WORKER=`worker` in its environment, with its group, as soon as this process is
/// gone (SIGTERM, after two seconds SIGKILL); nothing, if this object is destroyed before.
class Keeper {
 public:
  explicit Keeper(const std::string& worker);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

 private:
  int pipe_ = -1;
  int pid_ = -1;
};

}  // namespace stint::commands
