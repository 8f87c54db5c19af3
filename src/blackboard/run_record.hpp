// SPDX-License-Identifier: Apache-2.0
// What the record of a run on the blackboard must look like: its fields, the names of its nodes, and which of Redis's errors
// tell that it does not.
#pragma once

#include "blackboard/blackboard.hpp"
#include "redis/connection.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace stint {

/// Why these cannot be the fields of a run; empty: they can. `create` sets all of them.
std::string fault_in(const std::map<std::string, std::string>& fields);
/// `fields` without fault.
RunState state_of(std::map<std::string, std::string> fields);
/// None: no node is named so.
std::optional<Node> node_named(std::string_view name);

/// Whether Redis met a key of the wrong type, or a script a value that no step of a run writes. Other errors of scripts are
/// about rights and commands.
bool tells_of_damage(const redis::Refused& error);
/// Of the words of such an error those that mean something to users.
std::string short_reason(std::string text);

}  // namespace stint
