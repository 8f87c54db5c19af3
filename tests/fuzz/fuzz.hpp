// SPDX-License-Identifier: Apache-2.0
// What the targets of libFuzzer share. A target defines fuzz(), makes valid values of the bytes as well as hostile ones, and
// ends the process where something does not hold; so does an exception that it lets pass.
#pragma once

#include "support/run_in_process.hpp"

#include <stint/archive.hpp>
#include <stint/detail/adapter.hpp>

#include <fuzzer/FuzzedDataProvider.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace stint::fuzzing {

using Bytes = FuzzedDataProvider;

void fuzz(Bytes& bytes);

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

/// What `step` gives; none where it throws the exception that is documented.
template <class Documented, class Step>
auto unless_refused(Step step) -> std::optional<decltype(step())> {
  try {
    return step();
  } catch (const Documented&) {
    return std::nullopt;
  }
}

inline std::string text_of(Bytes& bytes, std::size_t most = 64) { return bytes.ConsumeRandomLengthString(most); }

/// A valid text of which some bytes are changed or its end is missing, or any text at all.
inline std::string hostile(std::string valid, Bytes& bytes) {
  if (bytes.ConsumeBool()) return bytes.ConsumeRemainingBytesAsString();
  for (int left = bytes.ConsumeIntegralInRange(0, 4); left > 0 && !valid.empty(); --left) {
    valid[bytes.ConsumeIntegralInRange<std::size_t>(0, valid.size() - 1)] = bytes.ConsumeIntegral<char>();
  }
  if (bytes.ConsumeBool()) valid.resize(bytes.ConsumeIntegralInRange<std::size_t>(0, valid.size()));
  return valid;
}

/// A file in memory, for what is read by its path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content) : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    const auto written = ::write(descriptor_, content.data(), content.size());
    require(written == static_cast<::ssize_t>(content.size()), "a file in memory takes its content");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// The job adopts a valid plan, and of hostile bytes only a plan that can be looked up everywhere; else it throws DecodeError.
template <class J>
void fuzz_plan(const PlanOf<J>& valid, Bytes& bytes) {
  const auto encoded = archive::encode(valid);
  Adapter<J> job;
  job.adopt_plan(encoded);
  require(job.encode_plan() == encoded, "a plan is the same after its way through bytes");
  const auto text = hostile(encoded, bytes);
  if (!unless_refused<archive::DecodeError>([&] { return job.adopt_plan(text), true; })) return;
  const auto again = job.encode_plan();
  job.adopt_plan(again);
  require(job.encode_plan() == again, "an adopted plan is the same after its way through bytes");
  const auto plan = archive::decode<PlanOf<J>>(text);
  require(plan.size() == job.chunks(), "both count the same chunks");
  if (plan.size() == 0) return;
  for (const auto chunk : {std::uint64_t{0}, plan.size() / 2, plan.size() - 1}) {
    (void)plan[chunk];
    (void)job.describe(chunk);
    require(job.chunk_of(job.number_of(chunk)) == chunk, "a chunk is found by its number");
  }
}

/// The same for a partial, which merges with a valid one from both sides and can be finished.
template <class J>
void fuzz_partial(const PartialOf<J>& valid, Bytes& bytes) {
  const auto encoded = archive::encode(valid);
  Adapter<J> job;
  require(job.encode(*job.decode(encoded)) == encoded, "a partial is the same after its way through bytes");
  const auto text = hostile(encoded, bytes);
  auto partial = unless_refused<archive::DecodeError>([&] { return job.decode(text); });
  if (!partial) return;
  const auto again = job.encode(**partial);
  require(job.encode(*job.decode(again)) == again, "a decoded partial is the same after its way through bytes");
  auto whole = job.decode(encoded);
  job.reduce(*whole, std::move(*partial));
  job.reduce(*whole, job.decode(again));
  support::MemoryOutput output;
  job.finish(job.decode(job.encode(*whole)), output);
}

}  // namespace stint::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  stint::fuzzing::Bytes bytes(data, size);
  stint::fuzzing::fuzz(bytes);
  return 0;
}
