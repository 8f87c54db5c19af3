// SPDX-License-Identifier: Apache-2.0
// The valid form of the record of a run on the blackboard: its fields, the names of its nodes, and which errors of Redis
// report that it is damaged.
#pragma once

#include "blackboard/blackboard.hpp"
#include "redis/connection.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace stint {

/// Why `fields` cannot be the fields of a run; empty: they can. `create` sets all of them.
std::string fault_in(const std::map<std::string, std::string>& fields);
/// `fields` must be without fault (`fault_in`).
RunState state_of(std::map<std::string, std::string> fields);
/// None: not the name of a node.
std::optional<Node> node_named(std::string_view name);

/// Whether Redis found a key of the wrong type, or a script found a value that no step of a run writes. Other errors of
/// scripts concern rights and commands.
bool tells_of_damage(const redis::Refused& error);
/// The part of such an error that means something to users.
std::string short_reason(std::string text);

}  // namespace stint
