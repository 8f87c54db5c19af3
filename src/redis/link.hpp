// SPDX-License-Identifier: Apache-2.0
// A way to a Redis that may move: connects when first used and again after every loss, to wherever it is then. Not
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

  /// As Connection::command; after Lost the next call connects anew.
  Reply command(std::span<const std::string_view> words);
  Reply command(std::initializer_list<std::string_view> words) {
    return command(std::span<const std::string_view>(words.begin(), words.size()));
  }
  /// The next command connects anew.
  void drop() { connection_.reset(); }
  /// The address last tried, without the password.
  [[nodiscard]] std::string shown() const { return address_.shown(); }
  /// How a user calls redis-cli there.
  [[nodiscard]] std::string client() const { return address_.client(); }

 private:
  Finder find_;
  Address address_;
  int misses_ = 0;  // attempts in vain since the last answer
  std::unique_ptr<Connection> connection_;
};

}  // namespace stint::redis
