// SPDX-License-Identifier: Apache-2.0
// A run in JSON, as `--summary FILE` and `stint status --json` give it; schema 1 (see README).
#pragma once

#include "blackboard/blackboard.hpp"

#include <string>

namespace stint {

/// `computed_here`: chunks computed since this command began; a run that is only looked at: 0.
std::string summary_json(const RunState& state, std::uint64_t computed_here);

}  // namespace stint
