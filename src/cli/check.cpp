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
  void node(unsigned, std::uint64_t, Partial partial) override { bytes = job_.encode(*partial); }
  void failed(std::uint64_t, std::string error, std::string) override { bytes = "failed: " + error; }
  std::string bytes;

 private:
  const AnyJob& job_;
};

}  // namespace

std::uint64_t check_chunks(const AnyJob& job, const RunFacts& facts, std::uint64_t count) {
  const std::uint64_t chunks = job.chunks();
  count = std::min(count, chunks);
  const int before = omp_get_max_threads();
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t chunk = i * (chunks / std::max<std::uint64_t>(count, 1));
    std::optional<std::string> first;
    for (int threads : {1, 2, 3, std::max(facts.threads, 4)}) {
      RunFacts with = facts;
      with.threads = threads;
      omp_set_num_threads(threads);
      const auto scratch = job.scratch(Context(with, chunk));
      OneChunk sink(job);
      job.compute({chunk, chunk + 1}, 1, with, *scratch, sink);
      if (!first) {
        first = sink.bytes;
      } else if (*first != sink.bytes) {
        omp_set_num_threads(before);
        throw Error(Exit::defect, "job " + std::string(job.name()) + " is not deterministic: chunk " +
                                      std::to_string(chunk) + " gives other bytes with " + std::to_string(threads) +
                                      " threads than with 1; its result would depend on the machine");
      }
    }
  }
  omp_set_num_threads(before);
  return count;
}

}  // namespace stint
