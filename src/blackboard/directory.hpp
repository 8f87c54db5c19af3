// SPDX-License-Identifier: Apache-2.0
// What is on a Redis beside the single run: whether it can serve as a blackboard, the list of runs, and the announcement by
// which rank 0 names the run to the ranks of its world. Same exceptions as Blackboard; one object a thread.
#pragma once

#include "base/error.hpp"
#include "blackboard/blackboard.hpp"
#include "blackboard/scripts.hpp"
#include "redis/link.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stint {

/// The meaning of a name that is not a whole id: the beginning of one, or, as `ls` shortens ids, beginning…end.
struct NamePattern {
  std::string_view beginning, end;
  [[nodiscard]] bool empty() const { return beginning.empty() && end.empty(); }
  [[nodiscard]] bool fits(std::string_view run) const;
};
NamePattern name_pattern(std::string_view name);

/// The one run that `name` means: an id, an unambiguous pattern, or `last`, the first of `runs`. Throws Error(usage).
std::string run_named(std::string_view name, const std::vector<std::string>& runs);
/// The error for a list of runs that cannot be read.
Error damaged_list(const redis::Link& board, const std::string& why);

class Directory {
 public:
  explicit Directory(redis::Address address);
  explicit Directory(redis::Finder find);

  /// Throws Error(board) with one line if the server cannot serve: not Redis, too old, or evicting.
  void check();
  /// Counts and returns the calls of this rank for that world, including this one: tells two calls under one name apart.
  std::int64_t count_call(const std::string& world, int rank);
  /// Run ids, newest first.
  std::vector<std::string> runs();
  /// See run_named.
  std::string find(const std::string& name);
  /// Removes a run, and takes it off the list. False, with nothing changed: workers compute it that are not in `gone`
  /// (worker → its last heartbeat), and `forced` is false.
  bool remove(const std::string& run, bool forced, const std::map<std::string, std::string>& gone = {});
  /// Lists an existing run that is missing from the list.
  void list_again(const std::string& run, const std::string& created);
  /// Takes an expired run off the list, with all keys that are left of it. False: the run exists. One step, so that a run
  /// that is made meanwhile stays. The caller removes its files.
  bool forget_expired(const std::string& run);

  /// Rank 0 announces `word` to the other ranks of its world; it expires after `seconds`.
  void tell_world(const std::string& world, const std::string& word, int seconds);
  std::optional<std::string> hear_world(const std::string& world);

 private:
  redis::Reply command(std::span<const std::string_view> words);
  redis::Reply call(const scripts::Script& script, const std::string& run,
                    const std::vector<std::string_view>& arguments);
  redis::Reply command(std::initializer_list<std::string_view> words) {
    return command(std::span<const std::string_view>(words.begin(), words.size()));
  }

  redis::Link link_;
};

}  // namespace stint
