// SPDX-License-Identifier: Apache-2.0
#include "blackboard/directory.hpp"

#include "base/program.hpp"
#include "blackboard/keys.hpp"

#include <algorithm>
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

// "a, b, c and 4 more"
std::string listed(const std::vector<std::string>& runs) {
  constexpr std::size_t most = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(runs.size(), most); ++i) text += (i > 0 ? ", " : "") + runs[i];
  return runs.size() > most ? text + " and " + std::to_string(runs.size() - most) + " more" : text;
}

}  // namespace

bool NamePattern::fits(std::string_view run) const {
  return run.size() >= beginning.size() + end.size() && run.starts_with(beginning) && run.ends_with(end);
}

NamePattern name_pattern(std::string_view name) {
  constexpr std::string_view cut = "…";
  const auto at = name.find(cut);
  if (at == name.npos) return {name, ""};
  return {name.substr(0, at), name.substr(at + cut.size())};
}

std::string run_named(std::string_view name, const std::vector<std::string>& runs) {
  if (runs.empty()) throw Error(Exit::usage, "there is no run yet; " + typed("run JOB") + " starts one");
  if (name == "last") return runs.front();
  if (std::ranges::find(runs, name) != runs.end()) return std::string(name);
  const auto pattern = name_pattern(name);
  std::vector<std::string> fitting, similar;
  for (const auto& run : runs) {
    if (!pattern.empty() && pattern.fits(run)) fitting.push_back(run);
    if (!name.empty() && run.find(name) != run.npos) similar.push_back(run);
  }
  if (fitting.size() == 1) return fitting.front();
  std::string shown;  // the user's text may hold any bytes
  for (const char c : name) shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  if (fitting.size() > 1) {
    throw Error(Exit::usage, "'" + shown + "' begins " + std::to_string(fitting.size()) + " runs: " + listed(fitting) +
                                 "; give more of the name");
  }
  throw Error(Exit::usage, "there is no run '" + shown + "' on this blackboard; " +
                               (similar.empty() ? "" : "did you mean " + listed(similar) + "? ") + typed("ls") + " lists all");
}

Error damaged_list(const redis::Link& board, const std::string& why) {
  return {Exit::damaged, "the list of runs on the blackboard at " + board.shown() + " is damaged (" + why + "); " + board.client() +
                             " DEL " + keys::runs + " removes it, and each run is listed again once its command is given again"};
}

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
    if (word == "WRONGTYPE") throw damaged_list(link_, refused.what());
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
                                 "), and would lose results; set it to noeviction: " + link_.client() +
                                 " CONFIG SET maxmemory-policy noeviction");
  }
}

std::vector<std::string> Directory::runs() {
  const auto reply = command({"ZREVRANGE", keys::runs, "0", "-1"});
  std::vector<std::string> runs;
  for (std::size_t i = 0; i < reply.size(); ++i) runs.push_back(reply[i].str());
  return runs;
}

void Directory::list_again(const std::string& run, const std::string& created) {
  if (command({"ZSCORE", keys::runs, run}).nil()) command({"ZADD", keys::runs, created, run});
}

std::string Directory::find(const std::string& name) { return run_named(name, runs()); }

redis::Reply Directory::call(const scripts::Script& script, const std::string& run,
                             const std::vector<std::string_view>& arguments) {
  const auto names = keys::of_run(run);
  const std::string count = std::to_string(names.size());
  std::vector<std::string_view> words{"EVAL", script.text, count};
  words.insert(words.end(), names.begin(), names.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  return command(words);
}

bool Directory::forget_expired(const std::string& run) {
  return call(scripts::forget_script, run, {keys::runs, run})[0].text() == "OK";
}

bool Directory::remove(const std::string& run, bool forced, const std::map<std::string, std::string>& gone) {
  std::vector<std::string_view> words{forced ? "1" : "0"};
  for (const auto& [worker, beat] : gone) words.insert(words.end(), {worker, beat});
  const auto reply = call(scripts::remove_script, run, words);
  if (reply.size() > 0 && reply[0].text() == "BUSY") return false;
  command({"ZREM", keys::runs, run});
  return true;
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
