// SPDX-License-Identifier: Apache-2.0
// The verb `explain`: what happened to a run and what to do, or where one of its chunks is and why. Only reads.
#pragma once

#include <stint/main.hpp>

#include "redis/address.hpp"

#include <span>
#include <string>

namespace stint {

/// `chunk_text`: the user's number of the chunk, in the words of the job; empty: the whole run.
int explain(const redis::Address& address, const std::string& run, const std::string& chunk_text, bool json,
            std::span<const JobEntry> jobs);

}  // namespace stint
