// SPDX-License-Identifier: Apache-2.0
// The rules of src/blackboard/lua/losses.lua in plain C++.
#include "support/fake_run.hpp"

#include <nlohmann/json.hpp>

namespace stint::test_support {

Ranges without(Ranges list, const Ranges& minus) {
  for (const auto cut : minus) {
    Ranges rest;
    for (const auto range : list) {
      if (cut.last <= range.first || cut.first >= range.last) {
        rest.push_back(range);
      } else {
        if (range.first < cut.first) rest.push_back({range.first, cut.first});
        if (range.last > cut.last) rest.push_back({cut.last, range.last});
      }
    }
    list = std::move(rest);
  }
  return list;
}

std::string host_of(const std::string& worker) { return worker.substr(0, worker.rfind('/')); }

void FakeRun::put_suspect(Range range, int deaths, const std::string& holder) {
  if (!range.empty()) suspects[range.first] = {range.last, deaths, holder};
}

// Least deaths first, then by chunk.
std::vector<std::uint64_t> FakeRun::suspects_in_turn() const {
  std::vector<std::uint64_t> firsts;
  for (const auto& [first, suspect] : suspects) firsts.push_back(first);
  std::ranges::stable_sort(firsts, {}, [&](std::uint64_t first) { return suspects.at(first).deaths; });
  return firsts;
}

int FakeRun::cut_suspects(Range range) {
  int deaths = 0;
  for (const auto first : suspects_in_turn()) {
    const auto suspect = suspects.at(first);
    if (first >= range.last || suspect.last <= range.first) continue;
    deaths = std::max(deaths, suspect.deaths);
    suspects.erase(first);
    if (first < range.first) put_suspect({first, range.first}, suspect.deaths, suspect.holder);
    if (range.last < suspect.last) put_suspect({range.last, suspect.last}, suspect.deaths, suspect.holder);
  }
  return deaths;
}

void FakeRun::settle(const Caller& caller, const Ranges& gone, double rate) {
  auto& worker = workers.at(caller.worker);
  auto back = given_back(caller.worker, worker.held, caller.held, gone);
  worker.number = caller.number;
  worker.held = caller.held;
  if (worker.held.empty()) ages.erase(caller.worker);
  if (!back.empty()) set_queue(worker, joined(std::move(back), worker.queue), rate_or_guess(rate));
}

Ranges FakeRun::given_back(const std::string& worker, const Ranges& board, const Ranges& held, const Ranges& gone) {
  auto back = without(without(board, held), gone);
  for (const auto each : suspects_in_turn()) {
    if (!suspects.contains(each) || suspects.at(each).holder != worker) continue;
    const auto suspect = suspects.at(each);
    for (const auto range : back) {
      const Range both{std::max(range.first, each), std::min(range.last, suspect.last)};
      if (both.first >= both.last) continue;
      cut_suspects(both);
      put_suspect(both, suspect.deaths, "");
    }
    back = without(back, {{each, suspect.last}});
  }
  return back;
}

void FakeRun::let_go(const std::string& worker) {
  const auto gone = workers.find(worker);
  auto held = gone->second.held;
  for (const auto first : suspects_in_turn()) {
    auto& suspect = suspects.at(first);
    if (suspect.holder != worker) continue;
    suspect.holder.clear();
    held = without(held, {{first, suspect.last}});
  }
  pool = joined(joined(pool, held), gone->second.queue);
  workers.erase(gone);
  ages.erase(worker);
  if (leader == worker) leader.clear();
}

void FakeRun::reopen(std::uint64_t number) {
  while (!workers.empty()) let_go(std::string(workers.begin()->first));
  ages.clear();
  copies.clear();
  result.reset();
  for (const auto* name : {"exit", "error"}) fields.erase(name);
  first_error.reset();
  probes.clear();
  step_deaths = 0;
  spec.halt = {};
  halt_at = 0;
  halting = Halt::none;
  if (slots.empty()) slots.assign(spec.slots, true);  // it was finished, all of them having been taken
  state = "running";
  generation = number;
}

void FakeRun::end_run(int exit_code, const std::string& error) {
  state = "failed";
  fields["exit"] = std::to_string(exit_code);
  fields["error"] = error;
}

void FakeRun::fail_for_good(std::uint64_t chunk, int count, const std::string& worker, const std::string& error,
                            const std::string& detail) {
  attempts[chunk] = {count, worker};
  delayed.erase(chunk);
  failures[chunk] =
      nlohmann::json{{"error", error}, {"host", host_of(worker)}, {"worker", worker}, {"attempts", count}, {"detail", detail}}.dump();
  if (spec.max_failed >= 0 && static_cast<std::int64_t>(failures.size()) > spec.max_failed) {
    end_run(1, "more chunks failed than --max-failed allows");
  }
  look_at_halt();
}

void FakeRun::accuse(const std::string& worker, std::uint64_t open, bool charged) {
  auto& held = workers.at(worker).held;
  for (auto range : std::exchange(held, {})) {
    while (range.first < range.last && done[range.first]) ++range.first;
    if (range.empty()) continue;
    if (open == 1) range.last = range.first + 1;
    const int deaths = std::max(1, cut_suspects(range) + (charged ? 1 : 0));
    if (charged && open == 1 && deaths > std::max(1, static_cast<int>(spec.retries))) {
      fail_for_good(range.first, deaths, worker, "its rank died while it computed this chunk");
    } else {
      const auto middle = (range.first + range.last + 1) / 2;
      put_suspect({range.first, middle}, deaths, "");
      put_suspect({middle, range.last}, deaths, "");
    }
  }
  ++failures_seen;
}

bool FakeRun::is_benched(const std::string& worker) const {
  const auto benched = [&](const std::string& who) {
    const auto host = hosts.find(host_of(who));
    return host != hosts.end() && host->second.benched;
  };
  return benched(worker) && std::ranges::any_of(workers, [&](const auto& other) { return !benched(other.first); });
}

void FakeRun::bench(const std::string& host, std::uint64_t chunk) {
  hosts[host].benched = true;
  Ranges pooled{{chunk, chunk + 1}};
  const auto forget = [&](std::uint64_t each) {
    delayed.erase(each);
    failures.erase(each);
  };
  attempts.erase(chunk);
  forget(chunk);
  for (const auto& [each, tried] : std::map(attempts)) {
    if (host_of(tried.worker) != host) continue;
    attempts.erase(each);
    forget(each);
    pooled.push_back({each, each + 1});
  }
  pool = joined(pool, pooled);
}

std::uint64_t FakeRun::revive(const Ranges* chosen) {
  Ranges pooled;
  std::uint64_t failed = 0;
  for (const auto& [chunk, tried] : std::map(attempts)) {
    if (chosen != nullptr && !without({{chunk, chunk + 1}}, *chosen).empty()) continue;
    attempts.erase(chunk);
    delayed.erase(chunk);
    failed += failures.erase(chunk);
    pooled.push_back({chunk, chunk + 1});
  }
  if (chosen == nullptr) {
    for (const auto& [first, suspect] : suspects) pooled.push_back({first, suspect.last});
    suspects.clear();
    hosts.clear();
  }
  std::ranges::stable_sort(pooled, {}, &Range::first);
  pool = joined(pool, pooled);
  return failed;
}

std::pair<Refusal, bool> FakeRun::mend(const std::string& worker, std::uint64_t of) {
  if (const auto refusal = running(of); refusal != Refusal::none) return {refusal, false};
  if (leader.empty() || leader != worker) return {Refusal::stale, false};
  std::vector<Node> in_turn;
  for (const auto& [node, frame] : nodes) in_turn.push_back(node);
  std::ranges::sort(in_turn, [](const Node& a, const Node& b) {
    return a.first() < b.first() || (a.first() == b.first() && a.size() > b.size());
  });
  std::vector<bool> bits(spec.chunks);
  std::uint64_t last = 0, covered = 0;
  std::vector<Node> bad;
  for (const auto& node : in_turn) {
    if (node.first() < last || node.last() > spec.chunks) {
      bad.push_back(node);
      continue;
    }
    last = node.last();
    covered += node.size();
    for (auto chunk = node.first(); chunk < node.last(); ++chunk) bits[chunk] = true;
  }
  const bool whole = bad.empty() && covered == done_count && bits == done &&
                     std::ranges::none_of(failures, [&](const auto& failure) { return bits[failure.first]; });
  bool known = !pool.empty() || !delayed.empty() || !suspects.empty() || std::ranges::count(slots, false) > 0 ||
               done_count + failures.size() == spec.chunks;
  for (const auto& [name, each] : workers) known = known || !each.held.empty() || !each.queue.empty();
  if (whole && known) return {Refusal::none, false};
  for (const auto& node : bad) nodes.erase(node);
  done = bits;
  done_count = covered;
  std::erase_if(failures, [&](const auto& failure) { return done[failure.first]; });
  pool = joined(pool, {{0, spec.chunks}});
  return {Refusal::none, true};
}

Revived FakeRun::rerun(const RerunWish& wish, std::uint64_t next_generation) {
  if (state == "done") return {Refusal::ended, 0};
  if (!wish.program.empty()) spec.program = wish.program;
  spec.retries = wish.retries.value_or(spec.retries);
  spec.max_failed = wish.max_failed.value_or(spec.max_failed);
  spec.ends_early = wish.ends_early.value_or(spec.ends_early);
  const bool reopens = state != "running";
  if (reopens) reopen(next_generation);
  const auto chunks = revive(wish.chunks.empty() ? nullptr : &wish.chunks);
  if (reopens) set_halt(wish.halt);
  return {Refusal::none, chunks};
}

}  // namespace stint::test_support
