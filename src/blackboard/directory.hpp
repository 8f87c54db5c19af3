// SPDX-License-Identifier: Apache-2.0
// What lies on a Redis beside the single run: whether it is fit to be a blackboard, the list of runs, and the word by
// which the ranks of one world learn their run. Same exceptions as Blackboard; one object a thread.
#pragma once

#include "blackboard/blackboard.hpp"
#include "redis/link.hpp"

#include <optional>
#include <string>
#include <vector>

namespace stint {

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
  /// The one run that `name` means: an id, an unambiguous beginning of one, or `last`. Throws Error(usage).
  std::string find(const std::string& name);
  /// Removes a run; throws Error(usage) when it is not there, or when workers are at work on it and not `forced`.
  void remove(const std::string& run, bool forced);
  /// Takes a run off the list whose keys are gone, since its time was over; true if it was one. Its files are the caller's.
  bool forget_expired(const std::string& run);

  /// Rank 0 tells the other ranks of its world; the word expires after `seconds`.
  void tell_world(const std::string& world, const std::string& word, int seconds);
  std::optional<std::string> hear_world(const std::string& world);

 private:
  redis::Reply command(std::span<const std::string_view> words);
  redis::Reply command(std::initializer_list<std::string_view> words) {
    return command(std::span<const std::string_view>(words.begin(), words.size()));
  }

  redis::Link link_;
};

}  // namespace stint
