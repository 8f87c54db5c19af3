// SPDX-License-Identifier: Apache-2.0
// The one place that spells the keys on the blackboard. All keys of a run share one hash tag; their order here is the
// order in the first lines of lua/common.lua.
#pragma once

#include <array>
#include <string>

namespace stint::keys {

constexpr std::size_t count = 24;

inline std::array<std::string, count> of_run(const std::string& run) {
  const std::string tag = "stint:{" + run + "}:";
  return {tag + "run",    tag + "plan",  tag + "profile",  tag + "load",    tag + "beats",  tag + "workers",
          tag + "slots",  tag + "queues", tag + "claims",  tag + "done",    tag + "nodes",  tag + "attempts",
          tag + "delayed", tag + "failed", tag + "leader", tag + "result",  tag + "events",
          tag + "suspects", tag + "hosts", tag + "ages",   tag + "copies",
          tag + "at_work", tag + "slowest", tag + "held_suspects"};
}

/// Sorted set: run id → when the run was made (seconds since the epoch). Outside the tag.
inline const std::string runs = "stint:runs";
/// The announcement of rank 0 to the ranks of one world: the id of their run. Expires.
inline std::string of_world(const std::string& world) { return "stint:world:" + world; }

}  // namespace stint::keys
