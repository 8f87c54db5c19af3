// SPDX-License-Identifier: Apache-2.0
#include "cli/check.hpp"

#include "base/error.hpp"

#include <omp.h>

#include <algorithm>
#include <optional>
#include <string>

namespace stint {
namespace {

class OneChunk final : public Sink {
 public:
  explicit OneChunk(const AnyJob& job) : job_(job) {}
  void node(unsigned, std::uint64_t, Partial made) override {
    bytes = job_.encode(*made);
    partial = std::move(made);
  }
  void failed(std::uint64_t, std::string error, std::string) override { bytes = "failed: " + error; }
  std::string bytes;
  Partial partial;  // null: the chunk failed

 private:
  const AnyJob& job_;
};

// Parts of a value that are missing in its bytes would be lost on the way to another rank.
void check_way(const AnyJob& job, std::uint64_t left_chunk, std::uint64_t right_chunk, Partial left, Partial right) {
  auto stored_left = job.decode(job.encode(*left));
  auto stored_right = job.decode(job.encode(*right));
  job.reduce(*left, std::move(right));
  job.reduce(*stored_left, std::move(stored_right));
  if (job.encode(*left) == job.encode(*stored_left)) return;
  throw Error(Exit::defect, "job " + std::string(job.name()) + ": chunks " + std::to_string(left_chunk) + " and " +
                                std::to_string(right_chunk) +
                                " merge to other bytes after they were stored and read; its partial's serialize has to "
                                "hold all that reduce looks at");
}

}  // namespace

std::uint64_t check_chunks(const AnyJob& job, const RunFacts& facts, std::uint64_t count) {
  const std::uint64_t chunks = job.chunks();
  count = std::min(count, chunks);
  const int before = omp_get_max_threads();
  Partial previous;
  std::uint64_t previous_chunk = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t chunk = i * (chunks / std::max<std::uint64_t>(count, 1));
    std::optional<std::string> first;
    Partial partial;
    for (int threads : {1, 2, 3, std::max(facts.threads, 4)}) {
      RunFacts with = facts;
      with.threads = threads;
      omp_set_num_threads(threads);
      const auto scratch = job.scratch(Context(with, chunk));
      OneChunk sink(job);
      job.compute({chunk, chunk + 1}, 1, with, *scratch, sink);
      if (!first) {
        first = sink.bytes;
        partial = std::move(sink.partial);
      } else if (*first != sink.bytes) {
        omp_set_num_threads(before);
        throw Error(Exit::defect, "job " + std::string(job.name()) + " is not deterministic: chunk " +
                                      std::to_string(chunk) + " gives other bytes with " + std::to_string(threads) +
                                      " threads than with 1; its result would depend on the machine");
      }
    }
    if (i == 1 && previous && partial) check_way(job, previous_chunk, chunk, std::move(previous), std::move(partial));
    previous = std::move(partial);
    previous_chunk = chunk;
  }
  omp_set_num_threads(before);
  return count;
}

}  // namespace stint
