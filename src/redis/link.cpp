// SPDX-License-Identifier: Apache-2.0
#include "redis/link.hpp"

namespace stint::redis {

Reply Link::command(std::span<const std::string_view> words) {
  try {
    if (!connection_) {
      address_ = find_(misses_);
      connection_ = std::make_unique<Connection>(address_);
    }
    auto reply = connection_->command(words);
    misses_ = 0;
    return reply;
  } catch (const Lost&) {
    drop();
    ++misses_;
    throw;
  }
}

}  // namespace stint::redis
