// SPDX-License-Identifier: Apache-2.0
// --halt WHEN,WHAT=N, spelled as GNU parallel spells it: when a run ends before all of it is computed, and what is said
// then. Used by the options of run and by RunCommand.
#pragma once

#include "blackboard/blackboard.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace stint {

/// The rule for a run of `chunks` chunks: N% are rounded up. Throws std::invalid_argument for what is none.
HaltRule halt_rule(const std::string& text, std::uint64_t chunks);

/// What a run that halts under `rule` says and returns, but for who says so.
Halted halt_of(const HaltRule& rule, const RunState& state, std::string_view item, bool exit_count);

}  // namespace stint
