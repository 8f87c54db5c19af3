// SPDX-License-Identifier: Apache-2.0
// A redis-server of a test's own: on a UNIX socket in a new folder under /tmp, no TCP port, gone with the object. Ends
// no process but the one that it started. The server also dies with the thread that started it.
#pragma once

#include "redis/address.hpp"
#include "redis/connection.hpp"

#include <string>
#include <vector>

#include <sys/types.h>

namespace stint::test_support {

class RedisServer {
 public:
  /// `options`: more words of redis-server's command line, as {"--appendonly", "yes"}. Waits until it answers.
  explicit RedisServer(std::vector<std::string> options = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  [[nodiscard]] redis::Address address() const;
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }

  /// SIGKILL; the data stays as it lies on the disk.
  void kill();
  /// SIGSTOP and SIGCONT: it answers nobody for a while.
  void pause();
  void resume();
  /// After kill(): the same folder, the same socket.
  void start();

 private:
  void wait_until_it_answers();
  void end(int signal);

  std::vector<std::string> options_;
  std::string folder_;
  pid_t pid_ = -1;
};

}  // namespace stint::test_support
