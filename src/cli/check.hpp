// SPDX-License-Identifier: Apache-2.0
// `stint run --check N`: does a chunk give the same bytes with any number of threads, and after it was stored?
#pragma once

#include <stint/detail/any_job.hpp>

#include <cstdint>

namespace stint {

/// Computes `count` chunks, spread over the plan, with 1, 2, 3 and all threads, and compares. Then merges two of them,
/// once as computed and once as stored and read back, and compares. Returns the number of chunks checked. Throws
/// Error(defect) with the first chunk that differs.
std::uint64_t check_chunks(const AnyJob& job, const RunFacts& facts, std::uint64_t count);

}  // namespace stint
