// SPDX-License-Identifier: Apache-2.0
// A run in JSON, for `--summary FILE` and `stint status --json`; schema 1 (see README).
#pragma once

#include "blackboard/blackboard.hpp"

#include <string>

namespace stint {

/// `computed_here`: chunks computed since this command began; 0 for a verb that only reads.
std::string summary_json(const RunState& state, std::uint64_t computed_here);

}  // namespace stint
