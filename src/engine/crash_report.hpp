// SPDX-License-Identifier: Apache-2.0
// What a rank says when it dies by its own doing: of a signal (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT), or since the
// job called exit(). It names the chunk that the thread computed, or the step of the job that it was in. So that chunk
// alone is charged, at once, and no lease is waited for. The handler itself only notes these and wakes a thread that
// waits for this; that thread reports, for some seconds at most, and then the process dies. A rank that is killed from
// outside says nothing: see Blame.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
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

/// For as long as it lives the calling thread is in this step of the job (plan, prepare, scratch, serialize, reduce,
/// follow, finish), which belongs to no single chunk. `step` has to be a literal.
class JobStep {
 public:
  explicit JobStep(const char* step);
  ~JobStep();
  JobStep(const JobStep&) = delete;
  JobStep& operator=(const JobStep&) = delete;

 private:
  const char* outer_;
};

/// How this process dies.
struct Death {
  int signal = 0;  ///< 0: exit() was called
  int exit_code = 0;
  std::optional<std::uint64_t> chunk;  ///< that the thread computed; none: no chunk, or nobody knows which
  const char* step = nullptr;          ///< that the thread was in; null: none
  /// "died of Segmentation fault (signal 11)", "called exit(3)"
  [[nodiscard]] std::string how() const;
};

/// One at a time. `report` is called on a thread of its own while the dying one stands still: locks that it held are
/// never let go, so `report` may hang; it is waited for in vain then, for a bounded time. It returns the exit code with
/// which the process ends; none: it dies of its signal, and exit() becomes 75.
class CrashReport {
 public:
  using Report = std::function<std::optional<int>(const Death&)>;
  explicit CrashReport(Report report);
  ~CrashReport();
  CrashReport(const CrashReport&) = delete;
  CrashReport& operator=(const CrashReport&) = delete;

 private:
  const Report report_;
  std::thread reporter_;
};

}  // namespace stint
