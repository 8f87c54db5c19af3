// SPDX-License-Identifier: Apache-2.0
// --halt WHEN,WHAT=N, in GNU parallel's spelling: when a run ends before all of it is computed, and the line for the
// user then. Used by the options of run and by RunCommand.
#pragma once

#include "blackboard/blackboard.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace stint {

/// The rule for a run of `chunks` chunks; N% is rounded up. Throws std::invalid_argument if `text` is not a rule.
HaltRule halt_rule(const std::string& text, std::uint64_t chunks);

/// The exit code and the line of a run that halts under `rule`; the caller sets the other fields.
Halted halt_of(const HaltRule& rule, const RunState& state, std::string_view item, bool exit_count);

}  // namespace stint
