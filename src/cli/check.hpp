// SPDX-License-Identifier: Apache-2.0
// `stint run --check N`: does a chunk give the same bytes with any number of threads, and after it was stored?
#pragma once

#include <stint/detail/any_job.hpp>

#include <cstdint>

namespace stint {

/// Computes `count` chunks, spread over the plan, with 1, 2, 3 and all threads, and compares; then merges two of them
/// as they were computed, and as they are once stored and read. Returns how many chunks it looked at. Throws
/// Error(defect) that names the first that differs.
std::uint64_t check_chunks(const AnyJob& job, const RunFacts& facts, std::uint64_t count);

}  // namespace stint
