// SPDX-License-Identifier: Apache-2.0
// One connection to Redis. The only place that uses hiredis. Each command has a timeout. After an error of the
// connection the object is useless (a late reply would answer the next command): make a new one. Not thread-safe.
#pragma once

#include "redis/address.hpp"

#include <chrono>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct redisContext;
struct redisReply;

namespace stint::redis {

/// The connection could not be made, broke, or timed out.
class Lost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Redis answered with an error.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  /// The first word of the error: NOSCRIPT, OOM, NOAUTH, …
  [[nodiscard]] std::string_view word() const {
    const std::string_view line = what();
    return line.substr(0, line.find(' '));
  }
};

/// A view of a reply, or of an item of one; valid as long as the Reply.
class ReplyView {
 public:
  explicit ReplyView(const redisReply* reply) : reply_(reply) {}
  [[nodiscard]] bool nil() const;
  [[nodiscard]] bool is_error() const;
  [[nodiscard]] std::string_view text() const;  ///< empty if it is not a text
  [[nodiscard]] std::string str() const { return std::string(text()); }
  [[nodiscard]] long long integer() const;      ///< also of a text that is a number; else 0
  [[nodiscard]] double number() const;
  [[nodiscard]] std::size_t size() const;       ///< items of a list; else 0
  [[nodiscard]] ReplyView operator[](std::size_t item) const;

 private:
  const redisReply* reply_;
};

class Reply : public ReplyView {
 public:
  explicit Reply(redisReply* reply) : ReplyView(reply), owned_(reply) {}

 private:
  struct Free {
    void operator()(redisReply* reply) const;
  };
  std::unique_ptr<redisReply, Free> owned_;
};

class Connection {
 public:
  /// Connects, logs in, selects the database. Throws Lost, or Refused (NOAUTH, WRONGPASS, …).
  explicit Connection(const Address& address, std::chrono::milliseconds bound = std::chrono::seconds(20));

  /// Throws Lost, or Refused for an error reply.
  Reply command(std::span<const std::string_view> words);
  Reply command(std::initializer_list<std::string_view> words) {
    return command(std::span<const std::string_view>(words.begin(), words.size()));
  }

 private:
  struct Close {
    void operator()(redisContext* context) const;
  };
  std::unique_ptr<redisContext, Close> context_;
  std::string where_;
};

}  // namespace stint::redis
