// SPDX-License-Identifier: Apache-2.0
// A connection to a Redis that may move: connects at the first command and after every loss, to its present address. Not
// thread-safe.
#pragma once

#include "redis/address.hpp"
#include "redis/connection.hpp"

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace stint::redis {

class Link {
 public:
  explicit Link(Finder find) : find_(std::move(find)) {}
  explicit Link(Address address) : Link([address = std::move(address)](int) { return address; }) {}

  /// As Connection::command; after Lost, the next call connects again.
  Reply command(std::span<const std::string_view> words);
  Reply command(std::initializer_list<std::string_view> words) {
    return command(std::span<const std::string_view>(words.begin(), words.size()));
  }
  /// The next command connects again.
  void drop() { connection_.reset(); }
  /// The address last tried, without the password.
  [[nodiscard]] std::string shown() const { return address_.shown(); }
  /// See Address::client.
  [[nodiscard]] std::string client() const { return address_.client(); }

 private:
  Finder find_;
  Address address_;
  int misses_ = 0;  // failed attempts since the last answer
  std::unique_ptr<Connection> connection_;
};

}  // namespace stint::redis
