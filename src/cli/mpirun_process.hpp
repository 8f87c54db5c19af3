// SPDX-License-Identifier: Apache-2.0
// One mpirun with its ranks, from its start to its end: passes on what they write, signals, and the user's wish to stop. Used
// by the launcher alone, from its first thread: mpirun is ended by the kernel when that thread dies.
#pragma once

#include "base/signals.hpp"
#include "cli/call_folder.hpp"
#include "cli/relay.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <sys/types.h>
#include <vector>

namespace stint {

class Error;
class Terminal;

/// What the user wished while ranks were at work. Outlives an mpirun that is started again.
struct StopWish {
  bool asked = false;   ///< ranks are to end their chunks and leave
  bool at_once = false; ///< they are to end now
};

/// How the result, and what commands or the job said, reached the user.
struct ResultDelivery {
  std::uint64_t bytes = 0;    ///< that were written to stdout
  bool reader_gone = false;   ///< nobody reads stdout or stderr any more
  std::string error;          ///< why one of them could not be written
  [[nodiscard]] bool failed() const { return reader_gone || !error.empty(); }
};

class MpirunProcess {
 public:
  struct Settings {
    std::vector<std::string> words;  ///< command line
    bool one_host = false;           ///< its ranks are its children
    double grace = 20;               ///< seconds that ranks have to end once they are asked to stop
    std::function<void(const std::string& message)> message;  ///< of a rank to the launcher
  };
  /// Starts it. Throws Error(usage).
  MpirunProcess(Settings settings, const CallFolder& folder, Terminal& terminal, ResultDelivery& delivery);

  /// Waits for its end; returns its status as waitpid gives it.
  int wait(Signals& signals, StopWish& wish);

 private:
  void start();
  void take_output(std::string_view piece);
  void take_errors(std::string_view piece);
  void fail_output(const Error& error);
  void take_message(const std::string& message);
  void await_output(std::uint64_t bytes);
  void obey(int signal, StopWish& wish);
  void press(const StopWish& wish);
  void end_if_childless();
  [[nodiscard]] bool has_child() const;

  const Settings settings_;
  const CallFolder folder_;
  const std::string mark_;
  Terminal& terminal_;
  ResultDelivery& delivery_;
  const std::uint64_t bytes_before_;  // of the result, by an mpirun before this one
  std::mutex output_mutex_;           // for what is written of it
  std::condition_variable output_grew_;
  bool output_ended_ = false;
  std::string held_;  // of stderr
  bool errors_begin_line_ = true;
  pid_t pid_ = -1;
  std::atomic<bool> output_failed_{false};
  double asked_since_ = -1;     // on the steady clock; -1: nobody asked it to stop
  double at_once_since_ = -1;
  double last_child_seen_ = 0;
  bool had_child_ = false;
  Relay output_, errors_;  // last: their threads use all of the above
};

}  // namespace stint
