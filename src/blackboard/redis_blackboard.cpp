// SPDX-License-Identifier: Apache-2.0
#include "blackboard/redis_blackboard.hpp"

#include "base/error.hpp"
#include "blackboard/directory.hpp"
#include "blackboard/run_record.hpp"

#include <cstdio>
#include <map>
#include <mutex>
#include <utility>

namespace stint {
namespace {

// Temporary errors: the server is loading, busy or out of memory. All others are final.
bool passes(std::string_view word) {
  for (auto known : {"LOADING", "BUSY", "OOM", "MISCONF", "READONLY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN",
                     "NOREPLICAS"}) {
    if (word == known) return true;
  }
  return false;
}

std::string advice(std::string_view word) {
  return word == "MOVED" || word == "CROSSSLOT" ? "; it is one shard of a Redis Cluster: give a Redis that is no cluster" : "";
}

std::string text_of(const std::vector<Range>& ranges) {
  std::string text;
  for (auto range : ranges) {
    if (!text.empty()) text += ',';
    text += std::to_string(range.first) + '-' + std::to_string(range.last);
  }
  return text;
}

std::string text_of(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

std::string text_of(const HaltRule& rule) {
  static const std::map<HaltRule::Of, std::string> words{
      {HaltRule::Of::fail, "fail"}, {HaltRule::Of::success, "success"}, {HaltRule::Of::done, "done"}};
  if (rule.how == Halt::none) return "";
  return (rule.how == Halt::now ? "now;" : "soon;") + words.at(rule.of) + ';' + std::to_string(rule.count);
}

std::uint64_t as_count(redis::ReplyView reply) { return static_cast<std::uint64_t>(reply.integer()); }

Refusal refusal_of(redis::ReplyView reply) {
  const std::string_view word = reply.size() > 0 ? reply[0].text() : reply.text();
  for (auto refusal : {Refusal::gone, Refusal::ended, Refusal::fenced, Refusal::stale, Refusal::full, Refusal::program,
                       Refusal::identity}) {
    if (word == word_of(refusal)) return refusal;
  }
  return Refusal::none;
}

Halt halt_of(redis::ReplyView word) {
  return word.text() == "now" ? Halt::now : word.text() == "soon" ? Halt::soon : Halt::none;
}

}  // namespace

const char* word_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::none: return "OK";
    case Refusal::gone: return "GONE";
    case Refusal::ended: return "ENDED";
    case Refusal::fenced: return "FENCED";
    case Refusal::stale: return "STALE";
    case Refusal::full: return "FULL";
    case Refusal::program: return "PROGRAM";
    case Refusal::identity: return "IDENTITY";
  }
  return "?";
}

RedisBlackboard::RedisBlackboard(redis::Finder find, std::string run, Edit edit)
    : link_(std::move(find)), run_(std::move(run)), edit_(edit), keys_(keys::of_run(run_)) {}

RedisBlackboard::RedisBlackboard(redis::Address address, std::string run, Edit edit)
    : link_(std::move(address)), run_(std::move(run)), edit_(edit), keys_(keys::of_run(run_)) {}

redis::Reply RedisBlackboard::command(std::span<const std::string_view> words) {
  try {
    return link_.command(words);
  } catch (const redis::Lost& error) {
    throw BoardLost(error.what());
  } catch (const redis::Refused& error) {
    if (error.word() == "NOSCRIPT") throw;
    if (error.word() == "READONLY") link_.drop();
    if (passes(error.word())) throw BoardLost(std::string("the blackboard answers: ") + error.what());
    if (words[0] == "ZADD" && tells_of_damage(error)) throw damaged_list(link_, error.what());
    if (tells_of_damage(error)) throw Error(Exit::damaged, damaged_record(run_, short_reason(error.what())));
    throw Error(Exit::board, "the blackboard at " + link_.shown() + " refuses " + std::string(words[0]) + ": " +
                                 error.what() + advice(error.word()));
  }
}

redis::Reply RedisBlackboard::command(std::initializer_list<std::string_view> words) {
  return command(std::span<const std::string_view>(words.begin(), words.size()));
}

redis::Reply RedisBlackboard::call(const scripts::Script& script, std::span<const std::string_view> words) {
  static std::mutex mutex;
  // Script → its digest on the server.
  // Never destroyed: a rank that calls exit() still reports its crash.
  static auto& digests = *new std::map<std::pair<std::string_view, Edit>, std::string>;
  std::string digest;
  {
    const std::lock_guard lock(mutex);
    digest = digests[{script.name, edit_}];
  }
  const std::string key_count = std::to_string(keys_.size());
  std::vector<std::string_view> line{"EVALSHA", digest, key_count};
  line.insert(line.end(), keys_.begin(), keys_.end());
  line.insert(line.end(), words.begin(), words.end());
  if (!digest.empty()) {
    try {
      return command(line);
    } catch (const redis::Refused&) {
      // NOSCRIPT: the server was restarted
    }
  }
  digest = command({"SCRIPT", "LOAD", edit_ != nullptr ? edit_(script.text) : std::string(script.text)}).str();
  line[1] = digest;
  {
    const std::lock_guard lock(mutex);
    digests[{script.name, edit_}] = digest;
  }
  try {
    return command(line);
  } catch (const redis::Refused& error) {
    throw BoardLost(std::string("the blackboard forgot a script: ") + error.what());
  }
}

redis::Reply RedisBlackboard::call(const scripts::Script& script, std::initializer_list<std::string_view> words) {
  return call(script, std::span<const std::string_view>(words.begin(), words.size()));
}

Joined RedisBlackboard::create(const RunSpec& spec, bool fresh, bool accept_program) {
  const std::string_view profile(reinterpret_cast<const char*>(spec.profile.data()),
                                 spec.profile.size() * sizeof(double));
  const auto reply =
      call(scripts::create_script,
           {fresh ? "1" : "0", accept_program ? "1" : "0", spec.run, spec.job, spec.program, spec.identity,
            spec.options, spec.plan, profile, std::to_string(spec.chunks), std::to_string(spec.slots),
            std::to_string(spec.retries), std::to_string(spec.node_limit), std::to_string(spec.byte_limit),
            std::to_string(spec.max_failed), text_of(spec.halt), spec.owner, spec.lost_owner, spec.ends_early ? "1" : "0"});
  Joined joined;
  joined.refusal = refusal_of(reply);
  if (auto found = state()) joined.state = std::move(*found);
  if (joined.refusal == Refusal::none && joined.state.generation != 0) {
    command({"ZADD", keys::runs, joined.state.fields["created"], spec.run});
  }
  return joined;
}

Joined RedisBlackboard::join(const Caller& caller, const std::string& who, std::int64_t slot,
                             const std::string& program) {
  const auto reply = call(scripts::join_script,
                          {caller.generation == 0 ? "" : std::to_string(caller.generation), caller.worker, who,
                           std::to_string(slot), program});
  Joined joined;
  joined.refusal = refusal_of(reply);
  if (auto found = state()) joined.state = std::move(*found);
  if (joined.refusal != Refusal::none) return joined;
  joined.leader = reply[2].str();
  // The run may have been made anew between the step and the read.
  if (joined.state.generation != as_count(reply[1])) joined.refusal = Refusal::gone;
  return joined;
}

Claimed RedisBlackboard::claim(const Caller& caller, const ClaimWish& wish) {
  const auto reply = call(scripts::claim_script,
                          {std::to_string(caller.generation), caller.worker, std::to_string(caller.number),
                           text_of(caller.held), text_of(caller.rate), text_of(wish.cost), std::to_string(wish.least),
                           text_of(wish.least_steal), text_of(wish.lease), wish.steal ? "1" : "0",
                           text_of(wish.copy_after)});
  Claimed claimed;
  claimed.refusal = refusal_of(reply);
  if (reply.size() >= 3) {
    claimed.done = as_count(reply[1]);
    claimed.failed = as_count(reply[2]);
  }
  if (reply.size() == 4 && reply[0].text() == "HALT") {
    claimed.halt = halt_of(reply[3]);
    return claimed;
  }
  if (reply.size() >= 4) claimed.queued = as_count(reply[3]);
  if (reply.size() >= 8) {
    claimed.range = Range{as_count(reply[4]), as_count(reply[5])};
    claimed.attempt = static_cast<int>(reply[6].integer());
    claimed.source = reply[7].str();
  }
  return claimed;
}

Committed RedisBlackboard::commit(const Caller& caller, const Work& work, const std::vector<Entry>& entries) {
  std::vector<std::string> texts{std::to_string(caller.generation),   caller.worker,
                                 std::to_string(caller.number),       text_of(caller.held),
                                 text_of(caller.rate),                std::to_string(work.computed),
                                 text_of(work.busy_seconds),          text_of(work.last_end),
                                 text_of(work.longest),
                                 work.longest_chunk ? std::to_string(*work.longest_chunk) : ""};
  const std::size_t fixed = texts.size();
  for (const auto& entry : entries) {
    texts.push_back(std::to_string(entry.node.level));
    texts.push_back(std::to_string(entry.node.index));
  }
  std::vector<std::string_view> words(texts.begin(), texts.begin() + static_cast<std::ptrdiff_t>(fixed));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    words.insert(words.end(), {texts[fixed + 2 * i], texts[fixed + 2 * i + 1], entries[i].frame});
  }
  const auto reply = call(scripts::commit_script, words);
  Committed committed;
  committed.refusal = refusal_of(reply);
  if (reply.size() >= 4) {
    committed.done = as_count(reply[1]);
    committed.failed = as_count(reply[2]);
    committed.halt = halt_of(reply[3]);
    for (std::size_t i = 4; i < reply.size(); ++i) {
      std::string_view name = reply[i].text();
      const bool differs = name.ends_with('!');
      if (differs) name.remove_suffix(1);
      const auto node = node_named(name);
      if (!node) continue;
      committed.refused.push_back(*node);
      if (differs) committed.differing.push_back(*node);
    }
  }
  return committed;
}

Failed RedisBlackboard::fail(const Caller& caller, const Failure& failure, double delay) {
  const auto reply = call(scripts::fail_script,
                          {std::to_string(caller.generation), caller.worker, std::to_string(caller.number),
                           text_of(caller.held), std::to_string(failure.chunk), failure.error, text_of(delay),
                           failure.crash ? "1" : "0", failure.detail});
  Failed failed;
  failed.refusal = refusal_of(reply);
  if (reply.size() >= 7) {
    failed.counted = reply[1].integer() == 1;
    failed.for_good = reply[2].integer() == 1;
    failed.attempts = static_cast<int>(reply[3].integer());
    failed.first = reply[4].integer() == 1;
    failed.benched = reply[5].integer() == 1;
    failed.halt = halt_of(reply[6]);
  }
  return failed;
}

Refusal RedisBlackboard::end(std::uint64_t generation, int exit_code, const std::string& error) {
  return refusal_of(
      call(scripts::end_script, {std::to_string(generation), std::to_string(exit_code), error}));
}

Renewed RedisBlackboard::renew(const std::string& worker, std::uint64_t generation, bool computes,
                               const std::string& at_work) {
  const auto reply =
      call(scripts::renew_script, {std::to_string(generation), worker, computes ? "1" : "0", at_work});
  Renewed renewed;
  renewed.refusal = refusal_of(reply);
  if (renewed.refusal == Refusal::none) {
    renewed.leader = reply[1].str();
    renewed.leader_beat = as_count(reply[2]);
    const auto counters = reply[3];
    renewed.state.generation = generation;
    renewed.state.state = "running";
    renewed.state.chunks = as_count(counters[0]);
    renewed.state.done = as_count(counters[1]);
    renewed.state.failed = as_count(counters[2]);
    renewed.state.computed = as_count(counters[3]);
    renewed.state.again = as_count(counters[4]);
    renewed.state.steals = as_count(counters[5]);
    renewed.state.reaped = as_count(counters[6]);
    renewed.state.busy_seconds = counters[7].number();
    // A field that no script has written yet is nil.
    renewed.active = counters[8].nil() ? 0 : static_cast<std::uint64_t>(counters[8].number());
    renewed.failures = static_cast<std::uint64_t>(counters[9].number());
    renewed.state.workers = as_count(counters[10]);
    renewed.halt = halt_of(counters[11]);
    if (reply.size() >= 5) {
      const auto beats = reply[4];
      for (std::size_t i = 0; i + 1 < beats.size(); i += 2) renewed.beats[beats[i].str()] = as_count(beats[i + 1]);
    }
  }
  return renewed;
}

Refusal RedisBlackboard::reap(std::uint64_t generation, const std::string& worker, std::optional<std::uint64_t> beat,
                              Blame blame) {
  return refusal_of(call(scripts::reap_script, {std::to_string(generation), worker, beat ? std::to_string(*beat) : "",
                                                std::to_string(static_cast<int>(blame))}));
}

Refusal RedisBlackboard::leave(const Caller& caller, const std::string& died) {
  return refusal_of(call(scripts::leave_script, {std::to_string(caller.generation), caller.worker, died}));
}

Refusal RedisBlackboard::fold(const std::string& worker, std::uint64_t generation, const std::vector<Node>& removed,
                              const std::vector<Entry>& put, bool lift) {
  std::vector<std::string> texts{std::to_string(generation), worker, lift ? "1" : "0", std::to_string(removed.size())};
  for (const auto& node : removed) texts.push_back(node.name());
  const std::size_t fixed = texts.size();
  for (const auto& entry : put) {
    texts.push_back(std::to_string(entry.node.level));
    texts.push_back(std::to_string(entry.node.index));
  }
  std::vector<std::string_view> words(texts.begin(), texts.begin() + static_cast<std::ptrdiff_t>(fixed));
  for (std::size_t i = 0; i < put.size(); ++i) {
    words.insert(words.end(), {texts[fixed + 2 * i], texts[fixed + 2 * i + 1], put[i].frame});
  }
  return refusal_of(call(scripts::fold_script, words));
}

std::pair<Refusal, bool> RedisBlackboard::mend(const std::string& worker, std::uint64_t generation) {
  const auto reply = call(scripts::mend_script, {std::to_string(generation), worker});
  return {refusal_of(reply), reply.size() >= 2 && reply[1].integer() == 1};
}

Refusal RedisBlackboard::reject(std::uint64_t generation, Node node, const std::string& frame) {
  return refusal_of(call(scripts::reject_script, {std::to_string(generation), std::to_string(node.level),
                                                  std::to_string(node.index), frame}));
}

Refusal RedisBlackboard::finish(const Finish& finish) {
  std::vector<std::string> texts{std::to_string(finish.generation), finish.worker, std::to_string(finish.done),
                                 std::to_string(finish.failed), std::to_string(keep_seconds),
                                 std::to_string(finish.used.size())};
  for (const auto& node : finish.used) texts.push_back(node.name());
  for (const auto& [name, value] : finish.fields) {
    texts.push_back(name);
    texts.push_back(value);
  }
  std::vector<std::string_view> words(texts.begin(), texts.end());
  words.insert(words.begin() + 4, finish.result);
  return refusal_of(call(scripts::finish_script, words));
}

Refusal RedisBlackboard::halt(const Halted& halted) {
  std::vector<std::string> texts{std::to_string(halted.generation), halted.worker,
                                 std::to_string(halted.done),       std::to_string(halted.failed),
                                 std::to_string(halted.exit_code),  halted.why};
  for (const auto& [name, value] : halted.fields) {
    texts.push_back(name);
    texts.push_back(value);
  }
  return refusal_of(call(scripts::halt_script, std::vector<std::string_view>(texts.begin(), texts.end())));
}

Refusal RedisBlackboard::cancel() { return refusal_of(call(scripts::cancel_script, {})); }

Revived RedisBlackboard::rerun(const RerunWish& wish) {
  const auto reply = call(scripts::rerun_script,
                          {wish.program, text_of(wish.chunks), wish.retries ? std::to_string(*wish.retries) : "",
                           wish.max_failed ? std::to_string(*wish.max_failed) : "", text_of(wish.halt),
                           !wish.ends_early ? "" : *wish.ends_early ? "1" : "0"});
  Revived revived;
  revived.refusal = refusal_of(reply);
  if (reply.size() >= 2) revived.chunks = as_count(reply[1]);
  return revived;
}

}  // namespace stint
