// SPDX-License-Identifier: Apache-2.0
// The verb `explain`: what became of a run, or where one of its chunks is and why.
#pragma once

#include "redis/address.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace stint {

int explain(const redis::Address& address, const std::string& run, std::optional<std::uint64_t> chunk, bool json);

}  // namespace stint
