// SPDX-License-Identifier: Apache-2.0
// Where the blackboard is while a run goes on, asked before each connection: it may move to another host, and a file
// says where to. When its guardian on this host was killed, or that of a shared home stays away, it is started here; the
// lease of the data waits for a sign of life of the host before. Made by the ranks of `run`; thread-safe.
#pragma once

#include "redis/address.hpp"

#include <filesystem>
#include <mutex>
#include <string>

namespace stint {

class BoardPlace {
 public:
  /// One that does not move.
  explicit BoardPlace(redis::Address address) : last_(std::move(address)) {}
  /// One whose address the --board-file says.
  BoardPlace(redis::Address address, std::filesystem::path file) : last_(std::move(address)), file_(std::move(file)) {}
  /// The embedded one of a home, which other hosts may have and this one need not; `interface`: to listen on, if it is
  /// started here.
  BoardPlace(redis::Address address, std::filesystem::path home, std::string interface);

  /// `misses`: attempts in vain since its last answer.
  redis::Address now(int misses);

 private:
  [[nodiscard]] bool shares_home() const;
  void revive(bool on_network);

  std::mutex mutex_;
  redis::Address last_;
  std::filesystem::path file_;  // empty: it stays where it is
  std::filesystem::path home_;  // empty: it is not ours to start
  std::string interface_;
  double away_since_ = 0;  // all on the steady clock
  double last_miss_ = 0;
  double last_start_ = 0;
};

}  // namespace stint
