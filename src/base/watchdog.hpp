// SPDX-License-Identifier: Apache-2.0
// Ends the process when something takes longer than it may: for calls into libraries that cannot be given a bound.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <unistd.h>

namespace stint {

class Watchdog {
 public:
  /// Unless this object goes first: prints `line` (if it has any), and ends the process with `exit_code`.
  Watchdog(double seconds, std::string line, int exit_code)
      : thread_([this, seconds, line = std::move(line), exit_code] {
          std::unique_lock lock(mutex_);
          if (wakes_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return over_; })) return;
          if (!line.empty()) std::fprintf(stderr, "stint: %s\n", line.c_str());
          ::_exit(exit_code);
        }) {}
  ~Watchdog() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    wakes_.notify_one();
    thread_.join();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable wakes_;
  bool over_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace stint
