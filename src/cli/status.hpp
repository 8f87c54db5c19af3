// SPDX-License-Identifier: Apache-2.0
// The verb status: the progress of a run. Its counters, what each of its ranks does, the chunks that have been running for
// long, those that took longest, and those that failed. Only reads.
#pragma once

#include <stint/main.hpp>

#include "cli/chunk_text.hpp"
#include "redis/address.hpp"

#include <span>
#include <string>
#include <vector>

namespace stint {

/// `run`: an id, the beginning of one, or "last". `jobs`: for their words about chunks.
int show_status(const redis::Address& address, const std::string& run, bool json, std::span<const JobEntry> jobs);

/// A line for each of the first failures.
std::string failure_lines(const std::vector<FailedChunk>& failures, ChunkTexts& texts);

}  // namespace stint
