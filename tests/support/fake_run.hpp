// SPDX-License-Identifier: Apache-2.0
// One run on the fake blackboard: the rules of src/blackboard/lua, in memory and in plain C++. The truth is `done` and
// `nodes`; all else are hints, which together cover every chunk that is neither done nor failed. One method a script;
// each checks first and changes last. Knows no clock, no faults and no threads: fake_blackboard.hpp adds them.
#pragma once

#include "blackboard/blackboard.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace stint::testing {

using Ranges = std::vector<Range>;
/// One list after the other; where the first ends the second may begin, then they become one there.
Ranges joined(Ranges left, const Ranges& right);

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
  std::uint64_t computed = 0, again = 0, steals = 0, reaped = 0, failures_seen = 0;
  double busy = 0;
  std::map<std::string, std::string> fields;  ///< created, first_claim, last_end, exit, error, finished, …

  FakeRun(const RunSpec& of, std::uint64_t number, double now);
  void reopen(std::uint64_t number);

  [[nodiscard]] Refusal running(std::uint64_t of) const;
  Joined join(const Caller& caller, const std::string& who, std::int64_t slot, const std::string& program);
  Claimed claim(const Caller& caller, const ClaimWish& wish, double now);
  Committed commit(const Caller& caller, const Work& work, const std::vector<Entry>& entries, double now);
  Failed fail(const Caller& caller, const Failure& failure, double delay, double now);
  Refusal end(std::uint64_t of, int exit_code, const std::string& error);
  Renewed renew(const std::string& worker, std::uint64_t of);
  Refusal reap(std::uint64_t of, const std::string& worker, std::optional<std::uint64_t> beat);
  Refusal leave(const Caller& caller);
  Refusal fold(const std::string& worker, std::uint64_t of, const std::vector<Node>& removed,
               const std::vector<Entry>& put, bool lift);
  Refusal reject(std::uint64_t of, Node node, const std::string& frame);
  Refusal finish(const Finish& finish, double now);

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
  Ranges steal(const std::string& thief, double rate, const ClaimWish& wish);
  void set_queue(FakeWorker& worker, Ranges queue, double rate) const;
  void let_go(const std::string& worker);
};

}  // namespace stint::testing
