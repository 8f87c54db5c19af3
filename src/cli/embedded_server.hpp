// SPDX-License-Identifier: Apache-2.0
// The redis-server process of a home: what it is configured to, how it is started on data that were checked, and how
// it is ended, always within a bound. Used by the guardian alone, from its first thread: with that thread the kernel
// ends the server, too.
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

/// Connections that the embedded blackboard takes, where its limit of open files lets it; 40 bytes of memory each.
constexpr int most_clients = 60000;

/// A word of redis.conf, in double quotes, whatever bytes it holds.
std::string quoted_for_redis(std::string_view word);

/// redis-server or valkey-server on the PATH, or $STINT_REDIS_SERVER. Throws Error(board).
std::string server_program();
/// Bytes that the file system of a home must have left.
constexpr std::uint64_t least_space = std::uint64_t{64} << 20;
/// Throws Error(board) when that of `home` has less.
void check_space(const std::filesystem::path& home);

class EmbeddedServer {
 public:
  /// `say`: gets lines for the user.
  EmbeddedServer(std::filesystem::path home, std::function<void(const std::string& line)> say);
  ~EmbeddedServer();  ///< ends it
  EmbeddedServer(const EmbeddedServer&) = delete;
  EmbeddedServer& operator=(const EmbeddedServer&) = delete;

  /// Starts it; the one before has ended. Throws Error(board), or Error(damaged) for data that it must not be started on.
  void start();
  /// Waits until it answers, as long as it loads its data; `meanwhile` is called now and then. Throws Error when it ends,
  /// is silent for a minute, or `meanwhile` throws.
  void await_answer(const std::function<void(Answer)>& meanwhile);

  /// A server is there, as far as its process tells.
  [[nodiscard]] bool running();
  /// It ended with exit code 0, as after SHUTDOWN.
  [[nodiscard]] bool ended_well() const { return ended_well_; }
  /// Where it listens.
  [[nodiscard]] const redis::Address& address() const { return address_; }
  /// The socket that it made is still at its place.
  [[nodiscard]] bool has_socket() const;

  /// SIGTERM, upon which it writes what it has; SIGKILL after `patience`.
  void end(std::chrono::seconds patience = std::chrono::seconds(10));
  /// SIGKILL: what it has not written is not to be written any more.
  void kill() { end(std::chrono::seconds(0)); }

 private:
  [[nodiscard]] std::string configuration() const;
  [[nodiscard]] std::string last_warning() const;

  const std::filesystem::path home_;
  const std::function<void(const std::string& line)> say_;
  redis::Address address_;
  pid_t pid_ = -1;  // -1: none
  bool ended_well_ = false;
  std::uintmax_t log_begin_ = 0;  // what stands before is of earlier servers
  ino_t socket_ = 0;              // of its socket, once it answered
};

}  // namespace stint
