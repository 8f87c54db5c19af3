// SPDX-License-Identifier: Apache-2.0
// What the guardian does for its server from time to time: it forgets runs whose time is over, and has the append-only
// file written anew where that is many times as large as what it holds, so that the next server has little to load.
#pragma once

#include "redis/address.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>

namespace stint {

/// What a server says of itself.
struct BoardFacts {
  bool answers = false;
  int clients = 0;           ///< other than the one that asks
  std::uint64_t file = 0;    ///< bytes of the append-only file
  std::uint64_t base = 0;    ///< bytes that it had when it was last rewritten, or the server began
  std::uint64_t data = 0;    ///< bytes of what it holds, in memory
  bool rewriting = false;
};
BoardFacts board_facts(const redis::Address& address);

/// Whether writing the append-only file anew pays; `idle`: nobody would be slowed down.
bool rewrite_pays(const BoardFacts& facts, bool idle);

class BoardUpkeep {
 public:
  explicit BoardUpkeep(std::filesystem::path home) : home_(std::move(home)) {}

  /// To be called some times a second, with what the server says.
  void now_and_then(const redis::Address& address, const BoardFacts& facts);
  /// Before the server ends: waits for the file to be written anew, if that pays, at most `patience`.
  void before_end(const redis::Address& address, std::chrono::seconds patience);

 private:
  void forget_expired(const redis::Address& address);
  void rewrite(const redis::Address& address, const BoardFacts& facts);

  const std::filesystem::path home_;
  std::chrono::steady_clock::time_point next_look_{};
  std::uint64_t rewritten_ = 0;  // the size of the file when it was last seen after a rewrite
  bool rewriting_ = false;
};

}  // namespace stint
