// SPDX-License-Identifier: Apache-2.0
// The present address of the blackboard during a run, asked for before each connection: the blackboard may move to another
// host, and a file has its new address. If its guardian on this host was killed, or that of a shared home stays away, it is
// started here; the guardian then waits for the lease of the data. Made by the ranks of `run`; thread-safe.
#pragma once

#include "redis/address.hpp"

#include <filesystem>
#include <mutex>
#include <string>

namespace stint {

class BoardPlace {
 public:
  /// A blackboard that does not move.
  explicit BoardPlace(redis::Address address) : last_(std::move(address)) {}
  /// A blackboard with its address in a --board-file.
  BoardPlace(redis::Address address, std::filesystem::path file) : last_(std::move(address)), file_(std::move(file)) {}
  /// The embedded blackboard of a home, which other hosts may share and this host need not. `interface`: to listen on, if it
  /// is started here.
  BoardPlace(redis::Address address, std::filesystem::path home, std::string interface);

  /// The present address. `misses`: failed attempts since its last answer.
  redis::Address now(int misses);

 private:
  [[nodiscard]] bool shares_home() const;
  void revive(bool on_network);

  std::mutex mutex_;
  redis::Address last_;
  std::filesystem::path file_;  // empty: it does not move
  std::filesystem::path home_;  // empty: this process must not start it
  std::string interface_;
  double away_since_ = 0;  // all times on the steady clock
  double last_miss_ = 0;
  double last_start_ = 0;
};

}  // namespace stint
