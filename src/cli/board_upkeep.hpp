// SPDX-License-Identifier: Apache-2.0
// Regular work of the guardian for its server: forgets expired runs, and has the append-only
// file rewritten if it is many times as large as the data, so that the next server has little to load.
#pragma once

#include "redis/address.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>

namespace stint {

/// A server's facts about itself.
struct BoardFacts {
  bool answers = false;
  int clients = 0;           ///< without the connection that asks
  std::uint64_t file = 0;    ///< bytes of the append-only file
  std::uint64_t base = 0;    ///< its bytes after the last rewrite, or at the start of the server
  std::uint64_t data = 0;    ///< bytes of the data in memory
  bool rewriting = false;
};
BoardFacts board_facts(const redis::Address& address);

/// Whether a rewrite of the append-only file pays off; `idle`: it would slow down no client.
bool rewrite_pays(const BoardFacts& facts, bool idle);

class BoardUpkeep {
 public:
  explicit BoardUpkeep(std::filesystem::path home) : home_(std::move(home)) {}

  /// Call it some times a second, with the server's facts.
  void now_and_then(const redis::Address& address, const BoardFacts& facts);
  /// Before the server ends: rewrites the file if that pays off, and waits for it, at most `patience`.
  void before_end(const redis::Address& address, std::chrono::seconds patience);

 private:
  void forget_expired(const redis::Address& address);
  void rewrite(const redis::Address& address, const BoardFacts& facts);

  const std::filesystem::path home_;
  std::chrono::steady_clock::time_point next_look_{};
  std::uint64_t rewritten_ = 0;  // the size of the file after the last rewrite, as last seen
  int in_vain_ = 0;  // rewrites in a row that left a file worth a rewrite
  bool rewriting_ = false;
};

}  // namespace stint
