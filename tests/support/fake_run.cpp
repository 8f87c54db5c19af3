// SPDX-License-Identifier: Apache-2.0
#include "support/fake_run.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

namespace stint::test_support {
namespace {

// "cannot open 17.txt" and "cannot open 18.txt" are one error.
std::string without_numbers(const std::string& text) {
  std::string kind;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) kind += c;
    if (digit && !kind.ends_with('#')) kind += '#';
  }
  return kind;
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

}  // namespace

Ranges joined(Ranges left, const Ranges& right) {
  auto next = right.begin();
  if (!left.empty() && next != right.end() && left.back().last == next->first) left.back().last = next++->last;
  left.insert(left.end(), next, right.end());
  return left;
}

FakeRun::FakeRun(const RunSpec& of, std::uint64_t number, double now)
    : spec(of), generation(number), done(of.chunks), slots(std::max<std::uint64_t>(of.slots, 1)) {
  fields["created"] = fixed(now, 3);
}

Refusal FakeRun::running(std::uint64_t of) const {
  if (generation != of) return Refusal::gone;
  return state == "running" ? Refusal::none : Refusal::ended;
}

Refusal FakeRun::known(const Caller& caller) const {
  if (const auto refusal = running(caller.generation); refusal != Refusal::none) return refusal;
  const auto worker = workers.find(caller.worker);
  if (worker == workers.end()) return Refusal::fenced;
  return caller.number < worker->second.number ? Refusal::stale : Refusal::none;
}

Joined FakeRun::join(const Caller& caller, const std::string& who, std::int64_t slot, const std::string& program) {
  Joined answer;
  answer.refusal = running(caller.generation == 0 ? generation : caller.generation);
  if (answer.refusal == Refusal::none && program != spec.program) answer.refusal = Refusal::program;
  if (answer.refusal == Refusal::none && !workers.contains(caller.worker)) {
    auto& worker = workers[caller.worker];
    worker.who = who;
    Ranges queue;
    if (const auto wished = static_cast<std::uint64_t>(slot); slot >= 0 && wished < slots.size() && !slots[wished]) {
      slots[wished] = true;
      queue = slot_ranges(wished);
    }
    set_queue(worker, std::move(queue), rate_or_guess(0));
    if (!workers.contains(leader)) leader = caller.worker;
  }
  answer.state = shown(true);
  if (answer.refusal == Refusal::none) answer.leader = leader;
  return answer;
}

namespace {

// One chunk out of the list, at this place of its chunks (its fraction counts).
Range pick(Ranges& list, double place) {
  std::uint64_t size = 0;
  for (const auto& range : list) size += range.size();
  auto at = static_cast<std::uint64_t>(static_cast<double>(size) * (place - std::floor(place)));
  Ranges rest;
  Range picked;
  for (const auto& range : list) {
    if (!picked.empty() || at >= range.size()) {
      rest.push_back(range);
      at -= picked.empty() ? range.size() : 0;
      continue;
    }
    const auto chunk = range.first + at;
    picked = {chunk, chunk + 1};
    if (range.first < chunk) rest.push_back({range.first, chunk});
    if (chunk + 1 < range.last) rest.push_back({chunk + 1, range.last});
  }
  list = rest;
  return picked;
}

}  // namespace

Claimed FakeRun::claim(const Caller& caller, const ClaimWish& wish, double now) {
  Claimed answer;
  answer.refusal = known(caller);
  if (answer.refusal != Refusal::none) return answer;
  std::uint64_t bytes = 0;
  for (const auto& [node, frame] : nodes) bytes += frame.size();
  answer.done = done_count;
  answer.failed = failures.size();
  answer.halt = halting;
  if (halting != Halt::none) {
    settle(caller, {}, caller.rate);
    return answer;
  }
  if (nodes.size() >= spec.node_limit || bytes >= spec.byte_limit) {
    answer.refusal = Refusal::full;
    return answer;
  }

  auto& me = workers.at(caller.worker);
  auto own = joined(given_back(caller.worker, me.held, caller.held, {}), me.queue);
  bool suspect_alone = false;
  for (const auto& [first, suspect] : suspects) {
    suspect_alone = suspect_alone || (suspect.holder == caller.worker && suspect.deaths >= alone_from());
  }
  const bool idle = suspect_alone || is_benched(caller.worker);
  const auto remaining = spec.chunks - answer.done - answer.failed;
  const double share = static_cast<double>(remaining) * cost_before(spec.chunks) / static_cast<double>(spec.chunks);
  const auto many = static_cast<double>(workers.size());
  const double floor = many > 1250 ? many / 5000 / rate_or_guess(caller.rate) : 0;
  const double cost = std::min(wish.cost, std::max(floor, share / (4 * many)));
  const auto least = std::min(wish.least, std::max<std::uint64_t>(1, remaining / (2 * workers.size())));
  const bool probing = spec.ends_early && done_count == 0 && attempts.size() >= 20 && probes.size() < 10;
  const auto take_from = [&](Ranges& list, const char* source) {
    if (answer.range || idle) return;
    if (probing && !list.empty()) {
      answer.range = pick(list, static_cast<double>(probes.size() + 1) * 0.6180339887498949);
      answer.source = source;
      probes.push_back(answer.range->first);
      return;
    }
    auto taken = take(list, cost, least);
    list = std::move(taken.rest);
    answer.range = taken.range;
    answer.source = source;
  };

  if (const auto chunk = due_retry(caller.worker, wish.lease, now); chunk && !idle) {
    answer.range = Range{*chunk, *chunk + 1};
    answer.source = "retry";
    delayed.erase(*chunk);
  }
  take_from(pool, "pool");
  take_from(own, "own");
  for (std::uint64_t slot = 0; slot < slots.size() && !answer.range && !idle; ++slot) {
    if (slots[slot]) continue;
    slots[slot] = true;
    own = slot_ranges(slot);
    take_from(own, "slot");
  }
  if (wish.steal && !answer.range && !idle) {
    own = steal(caller.worker, caller.rate, wish, now);
    take_from(own, "steal");
  }
  const auto take_open = [&](Range range, const char* source) {
    while (range.first < range.last && done[range.first]) ++range.first;
    Range open{range.first, range.first};
    while (open.last < range.last && !done[open.last]) ++open.last;
    if (open.empty()) return false;
    answer.range = open;
    answer.source = source;
    return true;
  };
  int deaths = 0;
  for (const auto first : suspects_in_turn()) {
    const auto suspect = suspects.at(first);
    if (answer.range || idle || !suspect.holder.empty()) continue;
    if (open_chunks({first, suspect.last}) == 0) suspects.erase(first);
    if (!caller.held.empty() && suspect.deaths >= alone_from()) continue;
    if (!take_open({first, suspect.last}, "suspect")) continue;
    deaths = suspect.deaths;
    cut_suspects({first, answer.range->last});
    put_suspect(*answer.range, deaths, caller.worker);
  }
  if (wish.copy_after >= 0 && !answer.range && !idle && caller.held.empty() && own.empty()) {
    std::vector<std::pair<double, std::string>> slow;
    for (const auto& [name, since] : ages) {
      if (since <= now - std::max(wish.copy_after, 2 * longest)) slow.emplace_back(since, name);
    }
    std::sort(slow.begin(), slow.end());
    if (slow.size() > 4) slow.resize(4);
    for (const auto& [since, name] : slow) {
      if (name == caller.worker) continue;
      for (const auto range : workers.at(name).held) {
        const bool suspect = std::ranges::any_of(
            suspects, [&](const auto& each) {
              return each.second.holder == name && each.first < range.last && each.second.last > range.first;
            });
        if (answer.range || suspect || std::ranges::count(copies, range) > 0 || !take_open(range, "copy")) continue;
        copies.push_back(range);
      }
    }
  }
  if (!answer.range) answer.source.clear();
  if (idle && !suspect_alone) pool = joined(pool, std::exchange(own, {}));

  fields.emplace("first_claim", fixed(now, 6));
  set_queue(me, std::move(own), rate_or_guess(caller.rate));
  me.number = caller.number;
  me.held = caller.held;
  for (const auto range : me.queue) answer.queued += range.size();
  if (answer.range) {
    me.held = joined(me.held, {*answer.range});
    ages[caller.worker] = now;
    answer.attempt = 1 + deaths;
    if (answer.range->size() == 1 && attempts.contains(answer.range->first)) {
      answer.attempt += attempts[answer.range->first].count;
    }
  }
  return answer;
}

Committed FakeRun::commit(const Caller& caller, const Work& work, const std::vector<Entry>& entries, double now) {
  Committed answer;
  answer.refusal = known(caller);
  if (answer.refusal != Refusal::none && answer.refusal != Refusal::fenced) return answer;
  Ranges gone, pooled;
  for (const auto& [node, frame] : entries) {
    gone.push_back(node.range());
    const Range inside{std::min(node.first(), spec.chunks), std::min(node.last(), spec.chunks)};
    const auto open = open_chunks(inside);
    if (open < node.size()) {
      answer.refused.push_back(node);
      if (nodes.contains(node) && nodes.at(node) != frame) answer.differing.push_back(node);
      again += node.size();
      if (open > 0) pooled.push_back(inside);
      continue;
    }
    nodes[node] = frame;
    done_count += node.size();
    for (auto chunk = node.first(); chunk < node.last(); ++chunk) {
      done[chunk] = true;
      attempts.erase(chunk);
      delayed.erase(chunk);
      failures.erase(chunk);
    }
  }
  for (const auto first : suspects_in_turn()) {
    const auto suspect = suspects.at(first);
    if (suspect.holder != caller.worker) continue;
    suspects.erase(first);
    for (const auto range : without({{first, suspect.last}}, gone)) {
      if (open_chunks(range) > 0) put_suspect(range, suspect.deaths, suspect.holder);
    }
  }
  if (entries.size() > answer.refused.size()) {
    const auto host = hosts.find(host_of(caller.worker));
    if (host != hosts.end() && !host->second.benched) hosts.erase(host);
  }
  ++active;
  longest = std::max(longest, work.longest);
  pool = joined(pool, pooled);
  computed += work.computed;
  busy += work.busy_seconds;
  if (work.last_end >= 0) {
    const auto before = fields.find("last_end");
    const double end = now - work.last_end;
    if (before == fields.end() || std::stod(before->second) < end) fields["last_end"] = fixed(end, 6);
  }
  if (answer.refusal == Refusal::none) settle(caller, gone, caller.rate);
  answer.done = done_count;
  answer.failed = failures.size();
  answer.halt = look_at_halt();
  return answer;
}

Failed FakeRun::fail(const Caller& caller, const Failure& failure, double delay, double now) {
  Failed answer;
  answer.refusal = known(caller);
  if (answer.refusal != Refusal::none) return answer;
  answer.halt = halting;
  const auto chunk = failure.chunk;
  const bool mine = std::ranges::any_of(workers.at(caller.worker).held, [&](Range r) { return r.first <= chunk && chunk < r.last; });
  if (!mine || done[chunk]) return answer;
  settle(caller, {{chunk, chunk + 1}}, 0);

  answer.counted = true;
  answer.first = ++failures_seen == 1;
  ++active;
  const int deaths = cut_suspects({chunk, chunk + 1});
  answer.attempts = 1 + (failure.crash ? deaths : attempts.contains(chunk) ? attempts[chunk].count : 0);
  const auto host = host_of(caller.worker);
  auto& tally = hosts.try_emplace(host, FakeHost{0, done_count, false}).first->second;
  if (!tally.benched) {
    if (++tally.in_a_row >= 10 &&
        2 * (static_cast<std::int64_t>(done_count) - static_cast<std::int64_t>(tally.done_then)) >= tally.in_a_row) {
      bench(host, chunk);
      answer.benched = true;
      return answer;
    }
  }
  answer.for_good = answer.attempts > static_cast<int>(spec.retries);
  if (answer.for_good) {
    fail_for_good(chunk, answer.attempts, caller.worker, failure.error, failure.detail);
  } else if (failure.crash) {
    put_suspect({chunk, chunk + 1}, answer.attempts, "");
  } else {
    attempts[chunk] = {answer.attempts, caller.worker};
    delayed[chunk] = now + delay;
  }
  if (done_count == 0 && spec.ends_early) {
    const auto kind = without_numbers(failure.error);
    const bool same = first_error.value_or(kind) == kind;
    if (!first_error || !same) first_error = same ? kind : "";
    std::set<std::string> failing, present;
    for (const auto& [each, tried] : attempts) failing.insert(host_of(tried.worker));
    for (const auto& [name, each] : workers) present.insert(host_of(name));
    const auto tried = [&](std::uint64_t probe) { return attempts.contains(probe); };
    const bool probed = probes.size() >= 10 && std::ranges::all_of(probes, tried);
    if (same && attempts.size() >= 20 && probed && (failing.size() > 1 || present == failing)) end_run(1, "the first 20 chunks and 10 from all over the plan failed with one error: " + failure.error);
  }
  answer.halt = halting;
  return answer;
}

Refusal FakeRun::end(std::uint64_t of, int exit_code, const std::string& error) {
  if (const auto refusal = running(of); refusal != Refusal::none) return refusal;
  end_run(exit_code, error);
  return Refusal::none;
}

Renewed FakeRun::renew(const std::string& worker, std::uint64_t of, bool computes) {
  Renewed answer;
  answer.refusal = running(of);
  if (answer.refusal == Refusal::none && !workers.contains(worker)) answer.refusal = Refusal::fenced;
  if (answer.refusal != Refusal::none) return answer;
  ++workers.at(worker).beat;
  active += computes ? 1 : 0;
  answer.active = active;
  answer.failures = failures_seen;
  answer.halt = halting;
  if (!workers.contains(leader)) leader = worker;
  answer.state = shown(false);
  answer.leader = leader;
  if (leader == worker) {
    for (const auto& [name, each] : workers) answer.beats[name] = each.beat;
  }
  answer.leader_beat = workers.at(leader).beat;
  return answer;
}

Refusal FakeRun::reap(std::uint64_t of, const std::string& worker, std::optional<std::uint64_t> beat, Blame blame) {
  if (const auto refusal = running(of); refusal != Refusal::none) return refusal;
  const auto silent = workers.find(worker);
  if (silent == workers.end() || (beat && *beat != silent->second.beat)) return Refusal::stale;
  std::uint64_t open = 0;
  for (const auto range : silent->second.held) open += open_chunks(range);
  again += open;
  ++reaped;
  const bool led = leader == worker;
  if (blame != Blame::none && open > 0) accuse(worker, open, blame == Blame::charged);
  let_go(worker);
  if (blame == Blame::charged && led && done_count + failures.size() == spec.chunks) {
    died_in_step("the rank that led died while it merged or finished the result");
  }
  return Refusal::none;
}

Refusal FakeRun::leave(const Caller& caller, const std::string& died) {
  if (const auto refusal = running(caller.generation); refusal != Refusal::none) return refusal;
  if (!workers.contains(caller.worker)) return Refusal::fenced;
  let_go(caller.worker);
  if (!died.empty()) died_in_step(died);
  return Refusal::none;
}

void FakeRun::died_in_step(const std::string& how) {
  if (++step_deaths > 2) {
    end_run(70, how + ", the third such death of this run; mend the job, and the same command goes on");
  }
}

Refusal FakeRun::fold(const std::string& worker, std::uint64_t of, const std::vector<Node>& removed,
                      const std::vector<Entry>& put, bool lift) {
  if (const auto refusal = running(of); refusal != Refusal::none) return refusal;
  if (leader.empty() || leader != worker) return Refusal::stale;
  std::uint64_t out = 0, in = 0;
  std::set<Node> named;
  for (const auto& entry : put) in += entry.node.size();
  for (const auto& node : removed) {
    const bool inside = std::ranges::any_of(put, [&](const Entry& entry) {
      return entry.node.first() <= node.first() && node.last() <= entry.node.last();
    });
    if (!inside || !nodes.contains(node) || !named.insert(node).second) return Refusal::stale;
    out += node.size();
  }
  if (in != out) return Refusal::stale;
  for (const auto& node : removed) nodes.erase(node);
  for (const auto& entry : put) nodes[entry.node] = entry.frame;
  if (lift) {
    spec.node_limit = std::min(spec.node_limit * 2, std::uint64_t{1} << 53);
    spec.byte_limit = std::min(spec.byte_limit * 2, std::uint64_t{1} << 53);
  }
  return Refusal::none;
}

Refusal FakeRun::reject(std::uint64_t of, Node node, const std::string& frame) {
  if (const auto refusal = running(of); refusal != Refusal::none) return refusal;
  const auto damaged = nodes.find(node);
  if (damaged == nodes.end() || damaged->second != frame) return Refusal::stale;
  nodes.erase(damaged);
  for (auto chunk = node.first(); chunk < node.last(); ++chunk) done[chunk] = false;
  done_count -= node.size();
  again += node.size();
  pool = joined(pool, {node.range()});
  return Refusal::none;
}

Refusal FakeRun::finish(const Finish& finish, double now) {
  if (const auto refusal = running(finish.generation); refusal != Refusal::none) return refusal;
  const bool whole = finish.done == done_count && finish.failed == failures.size() &&
                     finish.done + finish.failed == spec.chunks && finish.used.size() == nodes.size();
  if (!whole || leader.empty() || leader != finish.worker) return Refusal::stale;
  std::set<Node> named;
  for (const auto& node : finish.used) {
    if (!nodes.contains(node) || !named.insert(node).second) return Refusal::stale;
  }
  result = finish.result;
  for (const auto& [name, value] : finish.fields) fields[name] = value;
  fields["finished"] = fixed(now, 3);
  state = failures.empty() ? "done" : "partial";
  workers.clear();
  pool.clear();
  delayed.clear();
  slots.clear();
  suspects.clear();
  hosts.clear();
  ages.clear();
  copies.clear();
  leader.clear();
  if (state == "done") {
    nodes.clear();
    attempts.clear();
    if (!fields.contains("keep_plan")) spec.plan.clear();
  }
  return Refusal::none;
}

std::uint64_t FakeRun::counted(HaltRule::Of of) const {
  return (of == HaltRule::Of::fail ? 0 : done_count) + (of == HaltRule::Of::success ? 0 : failures.size());
}

void FakeRun::set_halt(const HaltRule& rule) {
  const bool same = spec.halt.how == rule.how && spec.halt.of == rule.of && spec.halt.count == rule.count;
  if (same && halt_at > 0) return;
  spec.halt = rule;
  halt_at = counted(rule.of) + rule.count;
}

void FakeRun::own(const RunSpec& by, double now) {
  fields["owner"] = by.owner;
  owned_at = now;
}

bool FakeRun::owner_may_yet_join(const std::string& lost_owner, double now) const {
  return fields.at("owner") != lost_owner && now - owned_at < 60;
}

Halt FakeRun::look_at_halt() {
  if (halting == Halt::none && spec.halt.how != Halt::none && counted(spec.halt.of) >= halt_at) halting = spec.halt.how;
  return halting;
}

Refusal FakeRun::halt(const Halted& halted) {
  if (const auto refusal = running(halted.generation); refusal != Refusal::none) return refusal;
  const bool seen = leader == halted.worker && done_count == halted.done && failures.size() == halted.failed;
  if (halting == Halt::none || !seen) return Refusal::stale;
  for (const auto& [name, worker] : workers) {
    if (!worker.held.empty()) return Refusal::stale;
  }
  state = "cancelled";
  fields["exit"] = std::to_string(halted.exit_code);
  fields["error"] = halted.why;
  for (const auto& [name, value] : halted.fields) fields[name] = value;
  return Refusal::none;
}

Refusal FakeRun::cancel() {
  if (state != "running") return Refusal::ended;
  state = "cancelled";
  return Refusal::none;
}

RunState FakeRun::shown(bool with_fields) const {
  RunState s{.generation = generation,
             .state = state,
             .chunks = spec.chunks,
             .done = done_count,
             .failed = failures.size(),
             .computed = computed,
             .again = again,
             .steals = steals,
             .reaped = reaped,
             .workers = workers.size(),
             .busy_seconds = busy,
             .fields = {}};
  if (!with_fields) return s;
  s.fields = fields;
  if (halting != Halt::none) s.fields["halting"] = halting == Halt::now ? "now" : "soon";
  const auto count = [&](const char* name, std::uint64_t value) { s.fields[name] = std::to_string(value); };
  s.fields.insert({{"run", spec.run},
                   {"job", spec.job},
                   {"program", spec.program},
                   {"identity", spec.identity},
                   {"options", spec.options},
                   {"state", state},
                   {"busy", fixed(busy, 9)}});
  count("generation", generation);
  count("chunks", spec.chunks);
  count("slots", slots.size());
  count("retries", spec.retries);
  count("node_limit", spec.node_limit);
  count("byte_limit", spec.byte_limit);
  count("done", s.done);
  count("failed", s.failed);
  count("computed", computed);
  count("again", again);
  count("steals", steals);
  count("reaped", reaped);
  count("failures", failures_seen);
  return s;
}

}  // namespace stint::test_support
