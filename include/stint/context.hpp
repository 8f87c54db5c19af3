// SPDX-License-Identifier: Apache-2.0
// What a job may ask Stint, and report to it, while it plans and computes. OpenMP threads may call all of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace stint {

/// Constant facts about this rank and its run; owned by the worker, outlive every Context.
struct RunFacts {
  std::string run = {};        ///< run id; empty while planning
  std::string worker = {};     ///< `host/rank.random`; empty while planning
  std::uint64_t seed = 0;      ///< derived from the job's name and content options: the same for the same content
  int threads = 1;             ///< OpenMP threads of this rank
  std::filesystem::path scratch_dir = {};  ///< parent folder for scratch_dir()
  std::filesystem::path store_dir = {};    ///< see Context::store_dir
  bool store_shared = true;                ///< see Context::store_shared
  std::filesystem::path call_file = {};    ///< see Context::call_file
  std::function<void(std::string_view)> log = {};
  const std::atomic<bool>* stop = nullptr;     ///< see Context::stop_requested
  const std::atomic<bool>* abandon = nullptr;  ///< see Context::abandon_requested
  std::atomic<std::uint64_t>* at_work = nullptr;  ///< the chunk that this thread computes
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
  /// 1 for the first attempt at this chunk.
  [[nodiscard]] int attempt() const { return attempt_; }
  [[nodiscard]] const std::string& run() const { return facts_->run; }
  [[nodiscard]] const std::string& worker() const { return facts_->worker; }
  /// A seed for an independent stream of random numbers: the same on any rank and in any attempt.
  [[nodiscard]] std::uint64_t seed(std::uint64_t chunk) const;
  /// Writes one line to the log of this rank (`--log`, or stderr with -v).
  void log(std::string_view line) const {
    if (facts_->log) facts_->log(line);
  }
  /// Sets what `stint status` shows for this thread, in a few words: "pid 4711".
  void tell(std::string_view what) const {
    if (facts_->tell) facts_->tell(what);
  }
  /// The number of this thread among all threads of this call on this host, from 0; for example to choose a GPU.
  [[nodiscard]] int slot() const { return facts_->slot; }
  /// True once the rank is to end early. A long `compute` may then throw; Stint does not charge an attempt for it.
  [[nodiscard]] bool stop_requested() const { return facts_->stop && facts_->stop->load(std::memory_order_relaxed); }
  /// True once the result of this chunk is not wanted any more. Work that cannot stop cleanly may be killed now.
  [[nodiscard]] bool abandon_requested() const {
    return facts_->abandon && facts_->abandon->load(std::memory_order_relaxed);
  }
  /// A folder of this rank for temporary files, made at the first call and removed when the rank exits.
  [[nodiscard]] std::filesystem::path scratch_dir() const;
  /// A file for the job's notes during this call of the program; removed with the call. Under `stint run -n`, a rank on this
  /// host that becomes leader, or is started again, finds it. Empty: no rank could take over.
  [[nodiscard]] const std::filesystem::path& call_file() const { return facts_->call_file; }
  /// A folder for files that are kept with the run, beside the blackboard's data; the job creates it.
  [[nodiscard]] const std::filesystem::path& store_dir() const { return facts_->store_dir; }
  /// False if the leader may be unable to read `store_dir()`: this rank is on a host with a different home.
  [[nodiscard]] bool store_shared() const { return facts_->store_shared; }

 private:
  const RunFacts* facts_;
  std::uint64_t chunk_;
  int attempt_;
};

}  // namespace stint
