// SPDX-License-Identifier: Apache-2.0
#include "cli/summary.hpp"

#include <nlohmann/json.hpp>

namespace stint {

std::string summary_json(const RunState& state, std::uint64_t computed_here) {
  const auto count = [&](const char* name) { return static_cast<std::uint64_t>(state.number(name)); };
  const nlohmann::ordered_json json{
      {"schema", 1},
      {"run", state.field("run")},
      {"job", state.field("job")},
      {"state", state.state},
      {"chunks", {{"total", state.chunks}, {"done", state.done}, {"failed", state.failed}}},
      {"computed", {{"here", computed_here}, {"total", state.computed}, {"again", state.again}}},
      {"steals", state.steals},
      {"reaped", state.reaped},
      {"ranks", state.workers > 0 ? state.workers : count("ranks")},
      {"threads", count("threads")},
      {"seconds", state.number("seconds")},
      {"compute_seconds", state.number("compute_seconds")}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace stint
