// SPDX-License-Identifier: Apache-2.0
#include "cli/explain.hpp"

#include "base/error.hpp"
#include "blackboard/directory.hpp"
#include "blackboard/redis_blackboard.hpp"
#include "cli/display.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

namespace stint {
namespace {

using Event = RedisBlackboard::Event;
constexpr std::size_t all_events = 100'000;  // the board keeps fewer
constexpr std::size_t shown_events = 12;

// Whether the text names the chunk: as "chunk 17", or in a range "16-20".
bool names(const std::string& text, std::uint64_t chunk) {
  if ((text + " ").find("chunk " + std::to_string(chunk) + " ") != std::string::npos) return true;
  for (std::size_t at = 0; at < text.size();) {
    char* end = nullptr;
    if (text[at] < '0' || text[at] > '9' || (at > 0 && std::isalnum(static_cast<unsigned char>(text[at - 1])) != 0)) {
      ++at;
      continue;
    }
    const auto first = std::strtoull(text.c_str() + at, &end, 10);
    if (*end == '-' && end[1] >= '0' && end[1] <= '9') {
      const auto last = std::strtoull(end + 1, &end, 10);
      if (first <= chunk && chunk < last) return true;
    }
    at = static_cast<std::size_t>(end - text.c_str());
  }
  return false;
}

std::string clock_of(double seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm local{};
  ::localtime_r(&time, &local);
  char text[16];
  std::strftime(text, sizeof text, "%H:%M:%S", &local);
  return text;
}

// Where the chunk is, in a sentence.
std::string place_of(const std::map<std::string, std::string>& story) {
  const auto field = [&](const char* name) {
    const auto found = story.find(name);
    return found == story.end() ? std::string() : found->second;
  };
  const std::string state = field("state");
  if (state == "done") return "done" + (field("node").empty() ? "" : ", in node " + field("node"));
  if (state == "failed") return "failed";
  if (state == "claimed") {
    const auto since = field("since");
    return "in the hands of " + field("worker") +
           (since.empty() ? "" : ", which was last given work " + duration(std::strtod(since.c_str(), nullptr)) + " ago");
  }
  if (state == "delayed") {
    const double due = std::strtod(field("due").c_str(), nullptr);
    return due > 0 ? "waits " + duration(due) + " before it is tried again" : "is about to be tried again";
  }
  if (state == "suspect") return "waits to be computed last: its rank died with it in hand";
  if (state == "pooled") return "waits in the pool for whoever is free";
  if (state == "queued") return "waits in the queue of " + field("worker");
  if (state == "slot") return "waits in a share of the plan that nobody has taken yet (slot " + field("slot") + ")";
  return "nobody knows of it: a defect in Stint";
}

}  // namespace

int explain(const redis::Address& address, const std::string& name, std::optional<std::uint64_t> chunk, bool json) {
  const auto run = Directory(address).find(name);
  RedisBlackboard board(address, run);
  const auto state = board.state();
  if (!state) throw Error(Exit::usage, "run " + run + " is no longer on the blackboard");
  if (chunk && *chunk >= state->chunks) {
    throw Error(Exit::usage, fmt::format("run {} has no chunk {}: its chunks are 0 to {}", run, *chunk, state->chunks - 1));
  }
  std::vector<Event> events;
  for (auto& event : board.events(all_events)) {
    if (!chunk || names(event.text, *chunk)) events.push_back(std::move(event));
  }
  std::map<std::string, std::string> story;
  if (chunk && state->state == "done") {
    story["state"] = "done";
  } else if (chunk) {
    story = board.explain(*chunk).value_or(std::map<std::string, std::string>{{"state", "unknown"}});
  }
  if (json) {
    nlohmann::ordered_json out{{"schema", 1}, {"run", run}, {"state", state->state}};
    if (chunk) {
      out["chunk"] = *chunk;
      out["where"] = story;
    }
    out["events"] = nlohmann::json::array();
    for (const auto& event : events) {
      out["events"].push_back({{"time", event.time}, {"kind", event.kind}, {"text", event.text}});
    }
    std::puts(out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return 0;
  }
  if (chunk) {
    fmt::print("chunk {} of run {}: {}\n", *chunk, run, place_of(story));
    if (story.contains("attempts")) {
      fmt::print("attempts {} failed, the last on {}\n", story.at("attempts"), story.at("last"));
    }
    if (story.contains("deaths")) fmt::print("deaths   of ranks that had it in hand: {}\n", story.at("deaths"));
    if (story.contains("error")) {
      const auto error = nlohmann::json::parse(story.at("error"), nullptr, false);
      if (error.is_object()) fmt::print("error    {} (host {})\n", error.value("error", ""), error.value("host", ""));
    }
  } else {
    fmt::print("run {}: {}, {} of {} chunks done, {} failed\n", run, state->state, grouped(state->done),
               grouped(state->chunks), grouped(state->failed));
    if (const auto error = state->field("error"); !error.empty()) fmt::print("error    {}\n", error);
  }
  const auto count = std::min(events.size(), chunk ? events.size() : shown_events);
  for (std::size_t i = count; i-- > 0;) {
    fmt::print("{}  {:<7} {}\n", clock_of(events[i].time), events[i].kind, events[i].text);
  }
  return 0;
}

}  // namespace stint
