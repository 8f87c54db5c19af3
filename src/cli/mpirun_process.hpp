// SPDX-License-Identifier: Apache-2.0
// One mpirun with its ranks, from its start to its end: passes on their output, signals, and the user's wish to stop. Used
// by the launcher alone, from its first thread: the kernel ends mpirun when that thread dies.
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

/// What the user wished while the ranks worked. Outlives an mpirun that is started again.
struct StopWish {
  bool asked = false;   ///< ranks are to end their chunks and leave
  bool at_once = false; ///< they are to end now
};

/// How the result, and other output of the ranks, reached the user.
struct ResultDelivery {
  std::uint64_t bytes = 0;    ///< written to stdout
  bool reader_gone = false;   ///< the reader of stdout or stderr is gone
  std::string error;          ///< why one of them could not be written
  [[nodiscard]] bool failed() const { return reader_gone || !error.empty(); }
};

class MpirunProcess {
 public:
  struct Settings {
    std::vector<std::string> words;  ///< command line
    bool one_host = false;           ///< all ranks are children of mpirun on this host
    double grace = 20;               ///< seconds for the ranks to end once they are asked to stop
    std::function<void(const std::string& message)> message;  ///< receives the messages of ranks to the launcher
  };
  /// Starts mpirun. Throws Error(usage).
  MpirunProcess(Settings settings, const CallFolder& folder, Terminal& terminal, ResultDelivery& delivery);

  /// Waits for its end; returns its status as from waitpid.
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
  Terminal& terminal_;
  ResultDelivery& delivery_;
  const std::uint64_t bytes_before_;  // of the result, from an earlier mpirun
  std::mutex output_mutex_;           // for `delivery_`
  std::condition_variable output_grew_;
  bool output_ended_ = false;
  std::string held_;  // of stderr
  bool errors_begin_line_ = true;
  pid_t pid_ = -1;
  std::atomic<bool> output_failed_{false};
  double asked_since_ = -1;     // on the steady clock; -1: the user did not ask it to stop
  double at_once_since_ = -1;
  double last_child_seen_ = 0;
  bool had_child_ = false;
  Relay output_, errors_;  // last: their threads use all of the above
};

}  // namespace stint
