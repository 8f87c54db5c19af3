// SPDX-License-Identifier: Apache-2.0
// What lies on a Redis beside the single run: whether it is fit to be a blackboard, the list of runs, and the word by
// which the ranks of one world learn their run. Same exceptions as Blackboard; one object a thread.
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

/// What a name that is not a whole id means: a beginning, or, as `ls` shortens ids, beginning…end.
struct NamePattern {
  std::string_view beginning, end;
  [[nodiscard]] bool empty() const { return beginning.empty() && end.empty(); }
  [[nodiscard]] bool fits(std::string_view run) const;
};
NamePattern name_pattern(std::string_view name);

/// The one run that `name` means: an id, an unambiguous pattern, or `last`, the first of `runs`. Throws Error(usage).
std::string run_named(std::string_view name, const std::vector<std::string>& runs);
/// What to say when the list of runs cannot be read.
Error damaged_list(const redis::Link& board, const std::string& why);

class Directory {
 public:
  explicit Directory(redis::Address address);
  explicit Directory(redis::Finder find);

  /// Throws Error(board) with one line for what is not fit: not Redis, too old, evicting.
  void check();
  /// How often this rank has called for that world, this time included: a name that two calls share becomes two.
  std::int64_t count_call(const std::string& world, int rank);
  /// Run ids, newest first.
  std::vector<std::string> runs();
  /// See run_named.
  std::string find(const std::string& name);
  /// Removes a run, and takes it off the list. False, and nothing done: workers are at work on it that are not `gone`
  /// (worker → its last heartbeat), and not `forced`.
  bool remove(const std::string& run, bool forced, const std::map<std::string, std::string>& gone = {});
  /// Lists a run that is there, and of which the list does not know, as after it was removed.
  void list_again(const std::string& run, const std::string& created);
  /// Takes a run off the list whose time is over, with what may be left of it; false: it is there. One step, so that a run
  /// that is made meanwhile stays. Its files are the caller's.
  bool forget_expired(const std::string& run);

  /// Rank 0 tells the other ranks of its world; the word expires after `seconds`.
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
