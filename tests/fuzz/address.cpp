// SPDX-License-Identifier: Apache-2.0
// Feeds addresses of a Redis. Only Error(usage) is thrown; an address is read again from its own spelling, and what is shown
// of it has neither user nor password.
#include "fuzz.hpp"

#include "base/error.hpp"
#include "redis/address.hpp"

#include <tuple>

namespace stint::fuzzing {

auto parts_of(const redis::Address& address) {
  return std::tie(address.socket, address.host, address.port, address.database, address.user, address.password);
}

void fuzz(Bytes& bytes) {
  const std::string scheme = bytes.PickValueInArray({"", "redis://", "unix://", "redis://:p@", "unix://:p@/", "redis://["});
  const auto text = scheme + bytes.ConsumeRemainingBytesAsString();
  try {
    const auto address = redis::parse_address(text);
    require(parts_of(redis::parse_address(address.whole())) == parts_of(address), "an address is read as it was written");
    const auto shown = redis::parse_address(address.shown());
    require(shown.user.empty() && shown.password.empty(), "no login is shown");
  } catch (const Error& error) {
    require(error.exit() == Exit::usage, "a wrong address is a wrong usage");
  }
}

}  // namespace stint::fuzzing
