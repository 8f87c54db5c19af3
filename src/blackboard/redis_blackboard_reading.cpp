// SPDX-License-Identifier: Apache-2.0
// The reading part of the blackboard on Redis.
#include "base/error.hpp"
#include "blackboard/redis_blackboard.hpp"
#include "blackboard/run_record.hpp"

#include <cstdlib>
#include <utility>

namespace stint {

std::map<std::string, std::string> RedisBlackboard::hash(const std::string& key) {
  const auto reply = command({"HGETALL", key});
  std::map<std::string, std::string> fields;
  for (std::size_t i = 0; i + 1 < reply.size(); i += 2) fields.emplace(reply[i].text(), reply[i + 1].text());
  return fields;
}

std::optional<RunState> RedisBlackboard::state() {
  auto fields = hash(keys_[0]);
  if (fields.empty()) return std::nullopt;
  if (const auto fault = fault_in(fields); !fault.empty()) throw Error(Exit::damaged, damaged_record(run_, fault));
  RunState state = state_of(std::move(fields));
  state.workers = static_cast<std::uint64_t>(command({"HLEN", keys_[4]}).integer());
  return state;
}

std::string RedisBlackboard::plan() { return command({"GET", keys_[1]}).str(); }

std::vector<Node> RedisBlackboard::nodes() {
  const auto reply = command({"HKEYS", keys_[10]});
  std::vector<Node> nodes;
  for (std::size_t i = 0; i < reply.size(); ++i) {
    if (const auto node = node_named(reply[i].text())) nodes.push_back(*node);
  }
  return nodes;
}

std::vector<std::string> RedisBlackboard::frames(const std::vector<Node>& nodes) {
  if (nodes.empty()) return {};
  std::vector<std::string> names;
  for (const auto& node : nodes) names.push_back(node.name());
  std::vector<std::string_view> words{"HMGET", keys_[10]};
  words.insert(words.end(), names.begin(), names.end());
  const auto reply = command(words);
  std::vector<std::string> frames;
  for (std::size_t i = 0; i < reply.size(); ++i) frames.push_back(reply[i].str());
  return frames;
}

std::map<std::string, std::string> RedisBlackboard::workers() { return hash(keys_[5]); }

std::optional<std::string> RedisBlackboard::who(const std::string& worker) {
  const auto reply = command({"HGET", keys_[5], worker});
  if (reply.nil()) return std::nullopt;
  return reply.str();
}

std::map<std::uint64_t, std::string> RedisBlackboard::failures() {
  std::map<std::uint64_t, std::string> failures;
  for (auto& [chunk, text] : hash(keys_[13])) {
    failures.emplace(std::strtoull(chunk.c_str(), nullptr, 10), std::move(text));
  }
  return failures;
}

std::map<std::string, std::string> RedisBlackboard::at_work() { return hash(keys_[21]); }

std::map<std::string, std::vector<Range>> RedisBlackboard::claims() {
  std::map<std::string, std::vector<Range>> claims;
  for (const auto& [worker, text] : hash(keys_[8])) {
    auto& ranges = claims[worker];
    for (std::size_t at = text.find(';'); at < text.size(); at = text.find(',', at)) {
      char* end = nullptr;
      const auto first = std::strtoull(text.c_str() + ++at, &end, 10);
      if (*end == '-') ranges.push_back({first, std::strtoull(end + 1, nullptr, 10)});
    }
  }
  return claims;
}

std::vector<bool> RedisBlackboard::done(const std::vector<std::uint64_t>& chunks) {
  std::vector<std::string> places;
  for (const auto chunk : chunks) places.push_back(std::to_string(chunk));
  std::vector<std::string_view> words{"BITFIELD_RO", keys_[9]};
  for (const auto& place : places) words.insert(words.end(), {"GET", "u1", place});
  const auto reply = command(words);
  std::vector<bool> done;
  for (std::size_t i = 0; i < chunks.size(); ++i) done.push_back(i < reply.size() && reply[i].integer() == 1);
  return done;
}

std::map<std::string, std::string> RedisBlackboard::beats() { return hash(keys_[4]); }

std::string RedisBlackboard::leader() {
  const auto reply = command({"GET", keys_[14]});
  return reply.nil() ? "" : reply.str();
}

double RedisBlackboard::now() {
  const auto reply = command({"TIME"});
  return reply.size() < 2 ? 0 : reply[0].number() + reply[1].number() / 1e6;
}

std::vector<std::pair<std::uint64_t, double>> RedisBlackboard::slowest() {
  const auto reply = command({"ZREVRANGE", keys_[22], "0", "-1", "WITHSCORES"});
  std::vector<std::pair<std::uint64_t, double>> slowest;
  for (std::size_t i = 0; i + 1 < reply.size(); i += 2) {
    slowest.emplace_back(std::strtoull(reply[i].str().c_str(), nullptr, 10), reply[i + 1].number());
  }
  return slowest;
}

std::optional<std::map<std::string, std::string>> RedisBlackboard::explain(std::uint64_t chunk) {
  const auto reply = call(scripts::explain_script, {std::to_string(chunk)});
  if (reply[0].text() != word_of(Refusal::none)) return std::nullopt;
  std::map<std::string, std::string> story;
  for (std::size_t i = 1; i + 1 < reply.size(); i += 2) story.emplace(reply[i].text(), reply[i + 1].text());
  return story;
}

std::vector<RedisBlackboard::Event> RedisBlackboard::events(std::size_t most) {
  const auto reply = command({"XREVRANGE", keys_[16], "+", "-", "COUNT", std::to_string(most)});
  std::vector<Event> events;
  for (std::size_t i = 0; i < reply.size(); ++i) {
    const auto fields = reply[i][1];
    if (fields.size() < 4) continue;
    events.push_back({std::strtod(reply[i][0].str().c_str(), nullptr) / 1000, fields[1].str(), fields[3].str()});
  }
  return events;
}

std::optional<std::string> RedisBlackboard::result() {
  const auto reply = command({"GET", keys_[15]});
  if (reply.nil()) return std::nullopt;
  return reply.str();
}

}  // namespace stint
