// SPDX-License-Identifier: Apache-2.0
// The redis-server process of a home: its configuration, its start on checked data, and its
// end, always within a bound. Used by the guardian alone, from its first thread: when that thread ends, the kernel
// also ends the server.
#pragma once

#include "cli/home_board.hpp"
#include "redis/address.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace stint {

/// Maximum of connections to the embedded blackboard, if its limit of open files allows it; 40 bytes of memory each.
constexpr int most_clients = 60000;

/// A word of redis.conf in double quotes; it may hold any bytes.
std::string quoted_for_redis(std::string_view word);

/// redis-server or valkey-server on the PATH, or $STINT_REDIS_SERVER. Throws Error(board).
std::string server_program();
/// Bytes that must be free on the file system of a home.
constexpr std::uint64_t least_space = std::uint64_t{64} << 20;
/// Throws Error(board) if fewer are free.
void check_space(const std::filesystem::path& home);

class EmbeddedServer {
 public:
  /// `say`: receives lines for the user.
  EmbeddedServer(std::filesystem::path home, std::function<void(const std::string& line)> say);
  ~EmbeddedServer();  ///< ends the server
  EmbeddedServer(const EmbeddedServer&) = delete;
  EmbeddedServer& operator=(const EmbeddedServer&) = delete;

  /// Starts the server; a previous one has ended. Throws Error(board), or Error(damaged) if it must not start on the data.
  void start();
  /// Waits until it answers, however long it loads its data; calls `meanwhile` now and then. Throws Error if it ends or
  /// is silent for a minute, and what `meanwhile` throws.
  void await_answer(const std::function<void(Answer)>& meanwhile);

  /// The process of the server runs.
  [[nodiscard]] bool running();
  /// The server ended with exit code 0, as after SHUTDOWN.
  [[nodiscard]] bool ended_well() const { return ended_well_; }
  /// The address of its socket.
  [[nodiscard]] const redis::Address& address() const { return address_; }
  /// The socket that it made is still in its place.
  [[nodiscard]] bool has_socket() const;

  /// Sends SIGTERM, upon which the server writes its data; SIGKILL after `patience`.
  void end(std::chrono::seconds patience = std::chrono::seconds(10));
  /// Sends SIGKILL: data not written yet must not be written any more.
  void kill() { end(std::chrono::seconds(0)); }

 private:
  [[nodiscard]] std::string configuration() const;
  [[nodiscard]] std::string last_warning() const;

  const std::filesystem::path home_;
  const std::function<void(const std::string& line)> say_;
  redis::Address address_;
  pid_t pid_ = -1;  // -1: none
  bool ended_well_ = false;
  std::uintmax_t log_begin_ = 0;  // earlier bytes of the log are from previous servers
  ino_t socket_ = 0;              // of its socket, once it answered
};

}  // namespace stint
