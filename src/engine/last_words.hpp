// SPDX-License-Identifier: Apache-2.0
// What a rank says when it dies of a signal of its own making (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT): which chunk
// the crashing thread was at. So that chunk alone is charged, at once, and no lease is waited for. The handler itself
// only notes the chunk and wakes a thread that waits for this; that thread speaks, for some seconds at most, and then
// the process dies of its signal as it would have. A rank that is killed from outside says nothing: see Blame.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <thread>

namespace stint {

/// Where the threads of a team note which chunk they compute. The numbers outlive the threads.
class AtWork {
 public:
  static constexpr std::uint64_t nothing = ~std::uint64_t{0};
  static constexpr int most = 4096;  // threads
  /// The note of thread `number` of the team.
  static std::atomic<std::uint64_t>& note(int number);
};

/// Tells the calling thread's number in the team for as long as it lives, and gives it a stack for the signal handler,
/// so that a stack that overflowed can speak, too.
class TeamThread {
 public:
  explicit TeamThread(int number);
  ~TeamThread();
  TeamThread(const TeamThread&) = delete;
  TeamThread& operator=(const TeamThread&) = delete;

 private:
  void* stack_;
};

/// One at a time. `speak` is called on a thread of its own while the crashed one stands still: locks that it held are
/// never let go, so `speak` may hang; it is waited for in vain then, for a bounded time.
class LastWords {
 public:
  explicit LastWords(std::function<void(int signal, std::optional<std::uint64_t> chunk)> speak);
  ~LastWords();
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

 private:
  const std::function<void(int, std::optional<std::uint64_t>)> speak_;
  std::thread speaker_;
};

}  // namespace stint
