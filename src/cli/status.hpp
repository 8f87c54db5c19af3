// SPDX-License-Identifier: Apache-2.0
// The verb status: how a run is doing. Its counters, what each of its ranks does, which chunks have been at work for long,
// which took longest and which failed. Only looks.
#pragma once

#include <stint/main.hpp>

#include "cli/chunk_text.hpp"
#include "redis/address.hpp"

#include <span>
#include <string>
#include <vector>

namespace stint {

/// `run`: id, the beginning of one, or "last". `jobs` say what a chunk of theirs is.
int show_status(const redis::Address& address, const std::string& run, bool json, std::span<const JobEntry> jobs);

/// A line for each of the first failures.
std::string failure_lines(const std::vector<FailedChunk>& failures, ChunkTexts& texts);

}  // namespace stint
