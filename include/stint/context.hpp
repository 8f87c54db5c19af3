// SPDX-License-Identifier: Apache-2.0
// What a job may ask and tell while it plans and computes. All of it may be used from OpenMP threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace stint {

/// Constant facts about this rank's share of a run; owned by the worker, outlives every Context.
struct RunFacts {
  std::string run = {};        ///< run id; empty while planning
  std::string worker = {};     ///< `host/rank.random`; empty while planning
  std::uint64_t seed = 0;      ///< from the job's name and content options: the same for the same content
  int threads = 1;             ///< OpenMP threads of this rank
  std::filesystem::path scratch_dir = {};  ///< where scratch_dir() makes its folder
  std::filesystem::path store_dir = {};    ///< see Context::store_dir
  bool store_shared = true;                ///< see Context::store_shared
  std::filesystem::path call_file = {};    ///< see Context::call_file
  std::function<void(std::string_view)> log = {};
  const std::atomic<bool>* stop = nullptr;     ///< see Context::stop_requested
  const std::atomic<bool>* abandon = nullptr;  ///< see Context::abandon_requested
  std::atomic<std::uint64_t>* at_work = nullptr;  ///< where the thread notes which chunk it computes
  int slot = 0;                                   ///< see Context::slot
  std::function<void(std::string_view)> tell = {};
};

class Context {
 public:
  explicit Context(const RunFacts& facts, std::uint64_t chunk = 0, int attempt = 1)
      : facts_(&facts), chunk_(chunk), attempt_(attempt) {}

  /// Threads that `compute` may use: all of the rank's for a job with parallel chunks, else one.
  [[nodiscard]] int threads() const { return facts_->threads; }
  [[nodiscard]] std::uint64_t chunk() const { return chunk_; }
  /// 1 at the first try of this chunk.
  [[nodiscard]] int attempt() const { return attempt_; }
  [[nodiscard]] const std::string& run() const { return facts_->run; }
  [[nodiscard]] const std::string& worker() const { return facts_->worker; }
  /// A seed for an independent stream of random numbers, the same wherever and whenever the chunk is computed.
  [[nodiscard]] std::uint64_t seed(std::uint64_t chunk) const;
  /// One line for the log of this rank (`--log`, or stderr with -v).
  void log(std::string_view line) const {
    if (facts_->log) facts_->log(line);
  }
  /// What this thread is doing, in a few words for `stint status`: "pid 4711".
  void tell(std::string_view what) const {
    if (facts_->tell) facts_->tell(what);
  }
  /// A number of this thread among all of the call's on this host, from 0: which GPU it may have, say.
  [[nodiscard]] int slot() const { return facts_->slot; }
  /// True once the rank shall end early; a long `compute` may throw then, and is not charged with an attempt.
  [[nodiscard]] bool stop_requested() const { return facts_->stop && facts_->stop->load(std::memory_order_relaxed); }
  /// True once nobody wants what is computed any more; what cannot be left at once may end for good now.
  [[nodiscard]] bool abandon_requested() const {
    return facts_->abandon && facts_->abandon->load(std::memory_order_relaxed);
  }
  /// A folder of this rank for temporary files, made at the first call, removed when the rank ends.
  [[nodiscard]] std::filesystem::path scratch_dir() const;
  /// A file for notes of this call of the program, which goes with it: ranks of `stint run -n` that take over from
  /// others, on this host, find it. Empty: nobody could take over.
  [[nodiscard]] const std::filesystem::path& call_file() const { return facts_->call_file; }
  /// A folder for files that are kept with the run, beside the blackboard's data; the job makes it.
  [[nodiscard]] const std::filesystem::path& store_dir() const { return facts_->store_dir; }
  /// False where the leader may not see that folder: on another host, whose folder it is not.
  [[nodiscard]] bool store_shared() const { return facts_->store_shared; }

 private:
  const RunFacts* facts_;
  std::uint64_t chunk_;
  int attempt_;
};

}  // namespace stint
