// SPDX-License-Identifier: Apache-2.0
// A wait for threads that check something now and then; it ends at once when the thread is asked to stop.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace stint {

/// Waits `seconds`. False: the thread was asked to stop.
inline bool pause(const std::stop_token& stop, double seconds) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any().wait_for(lock, stop, std::chrono::duration<double>(seconds), [] { return false; });
  return !stop.stop_requested();
}

}  // namespace stint
