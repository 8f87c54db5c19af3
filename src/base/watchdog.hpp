// SPDX-License-Identifier: Apache-2.0
// Ends the process if something takes too long: for calls into libraries that take no timeout.
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
  /// If this object still exists after `seconds`: prints `line` (if not empty), and ends the process with `exit_code`.
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
