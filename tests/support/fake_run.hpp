// SPDX-License-Identifier: Apache-2.0
// One run on the fake blackboard: the rules of src/blackboard/lua, in memory and in plain C++. The truth is `done` and
// `nodes`; all else are hints, which together cover every chunk that is neither done nor failed. One method a script;
// each checks first and changes last. Knows no clock, no faults and no threads: fake_blackboard.hpp adds them.
#pragma once

#include "blackboard/blackboard.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace stint::test_support {

using Ranges = std::vector<Range>;
/// One list after the other; where the first ends the second may begin, then they become one there.
Ranges joined(Ranges left, const Ranges& right);
/// What of `list` is not in `minus`.
Ranges without(Ranges list, const Ranges& minus);
/// The part of a worker's id before the slash.
std::string host_of(const std::string& worker);

struct FakeWorker {
  std::string who;
  std::uint64_t beat = 1;
  std::uint64_t number = 0;  ///< the last request seen
  Ranges held;               ///< its claims, as the board knows them
  Ranges queue;
  double load = 0;  ///< seconds that can be stolen from it
};

struct FakeAttempts {
  int count = 0;
  std::string worker;  ///< the last that failed at it
};

struct FakeSuspect {
  std::uint64_t last = 0;
  int deaths = 0;
  std::string holder;  ///< empty while it waits
};

struct FakeHost {
  int in_a_row = 0;  ///< chunks that failed
  std::uint64_t done_then = 0;
  bool benched = false;
};

struct FakeRun {
  RunSpec spec;
  std::uint64_t generation = 0;
  std::string state = "running";
  std::vector<bool> done;
  std::uint64_t done_count = 0;
  std::map<Node, std::string> nodes;
  std::map<std::string, FakeWorker> workers;
  Ranges pool;
  std::vector<bool> slots;  ///< taken
  std::map<std::uint64_t, FakeAttempts> attempts;
  std::map<std::uint64_t, double> delayed;  ///< chunk → when it may be tried again
  std::map<std::uint64_t, std::string> failures;
  std::string leader;
  std::optional<std::string> result;
  std::map<std::uint64_t, FakeSuspect> suspects;  ///< by first chunk; none overlap
  std::map<std::string, FakeHost> hosts;
  std::map<std::string, double> ages;  ///< worker → when it was last given something
  std::vector<Range> copies;
  double longest = 0;
  std::uint64_t active = 0;
  int step_deaths = 0;
  std::uint64_t halt_at = 0;  ///< of what spec.halt counts
  Halt halting = Halt::none;
  std::optional<std::string> first_error;
  std::vector<std::uint64_t> probes;  // tried from all over the plan, since the first ones all failed
  std::uint64_t computed = 0, again = 0, steals = 0, reaped = 0, failures_seen = 0;
  double busy = 0;
  double owned_at = 0;
  std::map<std::string, std::string> fields;  ///< created, first_claim, last_end, exit, error, finished, …

  FakeRun(const RunSpec& of, std::uint64_t number, double now);
  void reopen(std::uint64_t number);

  [[nodiscard]] Refusal running(std::uint64_t of) const;
  Joined join(const Caller& caller, const std::string& who, std::int64_t slot, const std::string& program);
  Claimed claim(const Caller& caller, const ClaimWish& wish, double now);
  Committed commit(const Caller& caller, const Work& work, const std::vector<Entry>& entries, double now);
  Failed fail(const Caller& caller, const Failure& failure, double delay, double now);
  Refusal end(std::uint64_t of, int exit_code, const std::string& error);
  Renewed renew(const std::string& worker, std::uint64_t of, bool computes);
  Refusal reap(std::uint64_t of, const std::string& worker, std::optional<std::uint64_t> beat, Blame blame);
  Refusal leave(const Caller& caller, const std::string& died);
  Refusal fold(const std::string& worker, std::uint64_t of, const std::vector<Node>& removed,
               const std::vector<Entry>& put, bool lift);
  std::pair<Refusal, bool> mend(const std::string& worker, std::uint64_t of);
  Refusal reject(std::uint64_t of, Node node, const std::string& frame);
  Refusal finish(const Finish& finish, double now);
  Refusal halt(const Halted& halted);
  Refusal cancel();
  void set_halt(const HaltRule& rule);
  void own(const RunSpec& by, double now);
  [[nodiscard]] bool owner_may_yet_join(const std::string& lost_owner, double now) const;
  Revived rerun(const RerunWish& wish, std::uint64_t next_generation);
  std::uint64_t revive(const Ranges* chosen);

  [[nodiscard]] RunState shown(bool with_fields) const;
  [[nodiscard]] Ranges slot_ranges(std::uint64_t slot) const;

 private:
  struct Taken {
    std::optional<Range> range;
    Ranges rest;
  };

  [[nodiscard]] Refusal known(const Caller& caller) const;
  [[nodiscard]] double cost_before(std::uint64_t chunk) const;
  [[nodiscard]] double cost_of(const Ranges& ranges) const;
  [[nodiscard]] std::uint64_t border_at(Range range, double cost) const;
  [[nodiscard]] double rate_or_guess(double rate) const;
  [[nodiscard]] std::uint64_t open_chunks(Range range) const;
  [[nodiscard]] Taken take(const Ranges& list, double cost, std::uint64_t least) const;
  [[nodiscard]] std::optional<std::uint64_t> due_retry(const std::string& worker, double lease, double now) const;
  Ranges steal(const std::string& thief, double rate, const ClaimWish& wish, double now);
  void set_queue(FakeWorker& worker, Ranges queue, double rate) const;
  void let_go(const std::string& worker);
  void died_in_step(const std::string& how);
  // Losses.
  [[nodiscard]] int alone_from() const { return std::max(1, std::min(2, static_cast<int>(spec.retries))); }
  void put_suspect(Range range, int deaths, const std::string& holder);
  int cut_suspects(Range range);
  Ranges given_back(const std::string& worker, const Ranges& board, const Ranges& held, const Ranges& gone);
  void settle(const Caller& caller, const Ranges& gone, double rate);
  void fail_for_good(std::uint64_t chunk, int count, const std::string& worker, const std::string& error,
                     const std::string& detail = {});
  void accuse(const std::string& worker, std::uint64_t open, bool charged);
  [[nodiscard]] bool is_benched(const std::string& worker) const;
  void bench(const std::string& host, std::uint64_t chunk);
  [[nodiscard]] std::vector<std::uint64_t> suspects_in_turn() const;
  void end_run(int exit_code, const std::string& error);
  [[nodiscard]] std::uint64_t counted(HaltRule::Of of) const;
  Halt look_at_halt();
};

}  // namespace stint::test_support
