// SPDX-License-Identifier: Apache-2.0
// The verb `explain`: what became of a run and what to do, or where one of its chunks is and why. Only looks.
#pragma once

#include <stint/main.hpp>

#include "redis/address.hpp"

#include <span>
#include <string>

namespace stint {

/// `chunk_text`: the number by which the user knows a chunk, as the job says; empty: the whole run.
int explain(const redis::Address& address, const std::string& run, const std::string& chunk_text, bool json,
            std::span<const JobEntry> jobs);

}  // namespace stint
