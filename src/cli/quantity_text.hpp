// SPDX-License-Identifier: Apache-2.0
// Numbers and times for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace stint {

constexpr std::uint64_t mebi = std::uint64_t{1} << 20;

/// 12345678 → "12,345,678".
std::string grouped(std::uint64_t number);
/// (1, "chunk") → "1 chunk", (2000, "chunk") → "2,000 chunks".
std::string counted(std::uint64_t number, std::string_view what);
/// Seconds for people: "0.8 s", "3 min 20 s", "2 h 5 min".
std::string duration(double seconds);
/// A rate: "120/s", "1.5/s", "20/min", "3.0/h".
std::string frequency(double per_second);

}  // namespace stint
