// SPDX-License-Identifier: Apache-2.0
#include "cli/summary.hpp"

#include "cli/result_output.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>

namespace stint {

std::string summary_json(const RunState& state, std::uint64_t computed_here) {
  auto text = [&](const char* name) {
    const auto found = state.fields.find(name);
    return found == state.fields.end() ? std::string() : found->second;
  };
  auto number = [&](const char* name) { return std::strtod(text(name).c_str(), nullptr); };
  auto count = [&](const char* name) { return std::strtoull(text(name).c_str(), nullptr, 10); };
  const nlohmann::ordered_json json{
      {"schema", 1},
      {"run", text("run")},
      {"job", text("job")},
      {"state", state.state},
      {"chunks", {{"total", state.chunks}, {"done", state.done}, {"failed", state.failed}}},
      {"computed", {{"here", computed_here}, {"total", state.computed}, {"again", state.again}}},
      {"steals", state.steals},
      {"reaped", state.reaped},
      {"ranks", state.workers > 0 ? state.workers : count("ranks")},
      {"threads", count("threads")},
      {"seconds", number("seconds")},
      {"compute_seconds", number("compute_seconds")}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void write_whole(const std::string& file, const std::string& text) {
  ResultOutput output(file);
  output.text() << text << '\n';
  output.publish();
}

}  // namespace stint
