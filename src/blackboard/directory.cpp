// SPDX-License-Identifier: Apache-2.0
#include "blackboard/directory.hpp"

#include "base/error.hpp"
#include "blackboard/keys.hpp"
#include "blackboard/scripts.hpp"

#include <cstdlib>

namespace stint {
namespace {

std::string info_field(std::string_view info, std::string_view name) {
  const std::string head = std::string(name) + ":";
  auto at = info.find("\n" + head);
  if (at == info.npos) return {};
  at += 1 + head.size();
  const auto end = info.find_first_of("\r\n", at);
  return std::string(info.substr(at, end - at));
}

}  // namespace

Directory::Directory(redis::Finder find) : link_(std::move(find)) {}

Directory::Directory(redis::Address address) : link_(std::move(address)) {}

redis::Reply Directory::command(std::span<const std::string_view> words) {
  try {
    return link_.command(words);
  } catch (const redis::Lost& lost) {
    throw BoardLost(lost.what());
  } catch (const redis::Refused& refused) {
    link_.drop();
    const std::string shown = link_.shown();
    const auto word = refused.word();
    if (word == "LOADING" || word == "BUSY") throw BoardLost(refused.what());
    if (word == "NOAUTH" || word == "WRONGPASS" || std::string_view(refused.what()).find("AUTH") != std::string::npos) {
      throw Error(Exit::board, "the blackboard at " + shown + " asks for a password (" + refused.what() +
                                   "); give it in $STINT_BOARD or --board-file, as redis://:PASSWORD@host:port");
    }
    throw Error(Exit::board, "the blackboard at " + shown + " refuses " + std::string(words[0]) + ": " +
                                 refused.what());
  }
}

std::int64_t Directory::count_call(const std::string& world, int rank) {
  const auto key = keys::of_world(world) + ":" + std::to_string(rank);
  const auto calls = command({"INCR", key}).integer();
  command({"EXPIRE", key, "2592000"});  // a month: longer than any step
  return calls;
}

void Directory::check() {
  std::string info;
  const auto not_redis = [this] {
    return Error(Exit::board,
                 "what answers at " + link_.shown() + " is not Redis; check the address given by --board");
  };
  try {
    info = "\n" + command({"INFO"}).str();
  } catch (const BoardLost& lost) {
    const std::string why = lost.what();
    if (why.find("Protocol error") != why.npos) {
      throw not_redis();
    }
    throw;
  }
  const std::string version = info_field(info, "redis_version");
  if (version.empty()) {
    throw not_redis();
  }
  const std::string shown = link_.shown();
  if (std::atoi(version.c_str()) < 7) {
    throw Error(Exit::board, "the Redis at " + shown + " is version " + version +
                                 ", too old: Stint needs 7.0 or later; without --board it starts one of its own");
  }
  const std::string policy = info_field(info, "maxmemory_policy");
  if (!policy.empty() && policy != "noeviction" && info_field(info, "maxmemory") != "0") {
    throw Error(Exit::board, "the Redis at " + shown + " evicts data when memory is short (maxmemory-policy " + policy +
                                 "), and would lose results; set it to noeviction: redis-cli CONFIG SET "
                                 "maxmemory-policy noeviction");
  }
}

std::vector<std::string> Directory::runs() {
  const auto reply = command({"ZREVRANGE", keys::runs, "0", "-1"});
  std::vector<std::string> runs;
  for (std::size_t i = 0; i < reply.size(); ++i) runs.push_back(reply[i].str());
  return runs;
}

std::string Directory::find(const std::string& name) {
  const auto all = runs();
  if (name == "last") {
    if (all.empty()) throw Error(Exit::usage, "there is no run yet; stint run JOB starts one");
    return all.front();
  }
  std::string found;
  std::string others;
  for (const auto& run : all) {
    if (run == name) return run;
    if (!run.starts_with(name) || name.empty()) continue;
    if (!found.empty()) others += ", " + run;
    if (found.empty()) found = run;
  }
  if (found.empty()) throw Error(Exit::usage, "no run '" + name + "' on this blackboard; stint ls lists all");
  if (!others.empty()) {
    throw Error(Exit::usage, "'" + name + "' begins more than one run: " + found + others + "; give more of it");
  }
  return found;
}

void Directory::remove(const std::string& run, bool forced) {
  const auto names = keys::of_run(run);
  std::vector<std::string_view> words{"EVAL", scripts::remove_script.text};
  const std::string count = std::to_string(names.size());
  words.push_back(count);
  words.insert(words.end(), names.begin(), names.end());
  words.push_back(forced ? "1" : "0");
  const auto reply = command(words);
  if (reply.size() > 0 && reply[0].text() == "BUSY") {
    throw Error(Exit::usage, "run " + run + " is being computed by " + reply[1].str() +
                                 " workers; end them first, or give --force");
  }
  command({"ZREM", keys::runs, run});
}

// In one step: a run of that name may be made at this moment.
bool Directory::forget_expired(const std::string& run) {
  static constexpr std::string_view script =
      "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end return redis.call('ZREM', KEYS[2], ARGV[1])";
  return command({"EVAL", script, "2", keys::of_run(run)[0], keys::runs, run}).integer() == 1;
}

void Directory::tell_world(const std::string& world, const std::string& word, int seconds) {
  command({"SET", keys::of_world(world), word, "EX", std::to_string(seconds)});
}

std::optional<std::string> Directory::hear_world(const std::string& world) {
  const auto reply = command({"GET", keys::of_world(world)});
  if (reply.nil()) return std::nullopt;
  return reply.str();
}

}  // namespace stint
