// SPDX-License-Identifier: Apache-2.0
// The limits of commands, from the options.
#pragma once

#include "process.hpp"

#include <cstdint>
#include <string>

namespace stint::commands {

/// `text`: of --timeout, a time or N% of the median; `delay` in seconds, `memory_free` in bytes. Throws std::invalid_argument if
/// `text` is neither, BadInput for more memory than `host`, this machine, has.
Limits limits_of(const std::string& text, double delay, std::uint64_t memory_free, const std::string& host);

}  // namespace stint::commands
