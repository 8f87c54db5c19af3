// SPDX-License-Identifier: Apache-2.0
// The report of a rank that dies by a signal of its own (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) or because the job called
// exit(). It names the chunk that the thread computed, or the step of the job that it was in. So only that chunk
// is charged, at once, and no rank waits for a lease. The signal handler only notes these and wakes a waiting thread;
// that thread reports, for some seconds at most, and then the process dies. A rank that is killed from outside does
// not report: see Blame.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace stint {

/// The chunk that each thread of a team computes. The notes outlive the threads.
class AtWork {
 public:
  static constexpr std::uint64_t nothing = ~std::uint64_t{0};
  static constexpr int most = 4096;  // threads
  /// The note of thread `number` of the team.
  static std::atomic<std::uint64_t>& note(int number);
};

/// During its lifetime, the calling thread has this number in the team, and a stack for the signal handler, so that also
/// a thread whose stack overflowed can report.
class TeamThread {
 public:
  explicit TeamThread(int number);
  ~TeamThread();
  TeamThread(const TeamThread&) = delete;
  TeamThread& operator=(const TeamThread&) = delete;

 private:
  void* stack_;
};

/// During its lifetime, the calling thread is in this step of the job (plan, prepare, scratch, serialize, reduce,
/// follow, finish), which belongs to no single chunk. `step` must be a literal.
class JobStep {
 public:
  explicit JobStep(const char* step);
  ~JobStep();
  JobStep(const JobStep&) = delete;
  JobStep& operator=(const JobStep&) = delete;

 private:
  const char* outer_;
};

/// The death of this process.
struct Death {
  int signal = 0;  ///< 0: the job called exit()
  int exit_code = 0;
  std::optional<std::uint64_t> chunk;  ///< the chunk that the thread computed; none: it computed none, or it is not known which
  const char* step = nullptr;          ///< the step that the thread was in; null: none
  /// "died of Segmentation fault (signal 11)", "called exit(3)"
  [[nodiscard]] std::string how() const;
};

/// At most one at a time. `report` is called on its own thread while the dying thread stands still. Locks of the dying
/// thread are never released, so `report` may hang; the process waits for it for a bounded time. `report` returns the exit
/// code of the process; none: the process dies of its signal, or with exit code 75 after exit().
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
