// SPDX-License-Identifier: Apache-2.0
#include "blackboard/run_record.hpp"

#include <charconv>
#include <cstdlib>
#include <utility>

namespace stint {
namespace {

// A whole number in the form in which the scripts and Stint write it.
bool is_count(const std::string& text) {
  return !text.empty() && text.size() < 19 && text.find_first_not_of("0123456789") == text.npos &&
         (text == "0" || text.front() != '0');
}

}  // namespace

std::string fault_in(const std::map<std::string, std::string>& fields) {
  for (const auto* name : {"run", "job", "program", "identity", "options", "created", "state"}) {
    if (!fields.contains(name)) return std::string("its field '") + name + "' is missing";
  }
  for (const auto* name : {"generation", "chunks", "done", "failed", "slots", "steps", "retries", "node_limit", "byte_limit",
                           "node_bytes", "computed", "again", "steals", "reaped", "failures"}) {
    const auto field = fields.find(name);
    if (field == fields.end() || !is_count(field->second)) return std::string("its field '") + name + "' is not a number";
  }
  const auto& state = fields.at("state");
  for (const auto* known : {"running", "done", "partial", "failed", "cancelled"}) {
    if (state == known) return {};
  }
  return "its state is '" + state.substr(0, 40) + "'";
}

RunState state_of(std::map<std::string, std::string> fields) {
  RunState state;
  auto count = [&](const char* name) { return std::strtoull(fields[name].c_str(), nullptr, 10); };
  state.generation = count("generation");
  state.state = fields["state"];
  state.chunks = count("chunks");
  state.done = count("done");
  state.failed = count("failed");
  state.computed = count("computed");
  state.again = count("again");
  state.steals = count("steals");
  state.reaped = count("reaped");
  state.busy_seconds = std::strtod(fields["busy"].c_str(), nullptr);
  state.fields = std::move(fields);
  return state;
}

std::optional<Node> node_named(std::string_view name) {
  Node node;
  const char* end = name.data() + name.size();
  const auto level = std::from_chars(name.data(), end, node.level);
  if (level.ec != std::errc{} || level.ptr == end || *level.ptr != ':') return std::nullopt;
  const auto index = std::from_chars(level.ptr + 1, end, node.index);
  if (index.ec != std::errc{} || index.ptr != end || node.level > 32 || node.index >> 32 != 0) return std::nullopt;
  if (node.name() != name) return std::nullopt;  // "01:2": no script finds such a name
  return node;
}

bool tells_of_damage(const redis::Refused& error) {
  const std::string_view text = error.what();
  const auto says = [&](std::string_view words) { return text.find(words) != text.npos; };
  if (error.word() == "WRONGTYPE") return true;
  return error.word() == "ERR" && says("user_script") && !says("stint:") && !says("can't") && !says("not allowed") &&
         !says("Unknown Redis command");
}

std::string short_reason(std::string text) {
  if (const auto tail = text.find(" script: "); tail != text.npos) text.erase(tail);
  if (text.starts_with("ERR ")) text.erase(0, 4);
  if (const auto place = text.find(": "); text.starts_with("user_script:") && place != text.npos) text.erase(0, place + 2);
  return text;
}

}  // namespace stint
