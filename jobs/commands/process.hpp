// SPDX-License-Identifier: Apache-2.0
// Starts one command in its own process group, takes its output, waits for its end, and ends it if it takes too
// long. A command inherits only three descriptors of this rank. If the system has no process, memory or
// descriptor for it now, it starts later. Thread-safe: each thread of a rank runs a command at a time. Also a
// keeper: a small process that ends all commands of this rank when the rank itself dies, even by SIGKILL.
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
  int signal = 0;  ///< the signal that ended it; 0: none
  bool timed_out = false;
  bool left_some = false;  ///< processes of its group still run
  bool abandoned = false;  ///< it was ended, since its result was not wanted any more
  double start = 0;        ///< seconds since the epoch
  double seconds = 0;
  std::string why = {};   ///< why it could not be started; empty: it was
  int output_error = 0;   ///< errno of a failed write of its output; 0: all was written
};

struct Limits {
  double timeout = 0;        ///< seconds; 0: none
  double timeout_share = 0;  ///< as a share of the median of the commands that ended on this rank; 0: none
  double delay = 0;          ///< minimum of seconds between two starts
  std::uint64_t memory_free =
      0;  ///< bytes that must be free for a start; with less than half of it, the youngest command is ended, and starts again
};

/// Bytes of memory that this machine has.
std::uint64_t memory_total();
/// So many bytes in GiB, with one digit behind the point.
std::string gibibytes(std::uint64_t bytes);

class Processes {
 public:
  /// `environment`: NAME=VALUE for every command. `folder`: the working folder; empty: the present one.
  Processes(std::vector<std::string> environment, std::string folder, Limits limits);
  ~Processes();
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  /// The callbacks of the code that runs a command.
  struct Caller {
    std::function<bool()> stop;     ///< whether it must not start any more
    std::function<bool()> abandon;  ///< whether it must end
    std::function<void(int pid)> began;
    std::function<void(const std::string& what)> waits = [](const std::string&) {};  ///< why it cannot start
  };
  /// The words that start a command given as text: its own, or those of a shell with the text as argument.
  [[nodiscard]] std::vector<std::string> words_of(const std::string& text) const;
  /// Whether the shell that the user has chosen knows the word as a function from the environment (`export -f`).
  [[nodiscard]] bool is_function(const std::string& word) const;
  /// Runs a command to its end. `more`: further variables; `out`, `err`: files for its output. Returns none if it
  /// did not start because of `stop`, or if it was ended for lack of memory: the caller may run it again.
  /// Throws std::runtime_error if it cannot start although no other command of this rank runs.
  std::optional<Ended> run(const std::vector<std::string>& words, const std::vector<std::string>& more, int out, int err,
                           const Caller& caller);

 private:
  struct Running {
    int group = 0;
    double since = 0;
    const std::function<bool()>* abandon = nullptr;
    double told = 0;          // time of its SIGTERM; 0: none was sent
    bool timed_out = false;
    bool for_memory = false;  // ended for lack of memory
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
  const std::string shell_;  // chosen by the user; empty: none
  std::mutex mutex_;  // guards what follows
  std::list<Running> running_;
  std::vector<double> times_;  // sorted
  double next_start_ = 0;
  bool said_memory_ = false;
  std::condition_variable_any changed_;
  std::jthread watcher_;  // last: it uses all of the above
};

/// Ends every process that has STINT_WORKER=`worker` in its environment, with its group, as soon as this process has
/// died (SIGTERM, after two seconds SIGKILL). Does nothing if this object is destroyed before.
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
