// SPDX-License-Identifier: Apache-2.0
#include "cli/quantity_text.hpp"

#include <fmt/format.h>

#include <cstddef>

namespace stint {

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return text;
}

std::string counted(std::uint64_t number, std::string_view what) {
  return fmt::format("{} {}{}", grouped(number), what, number == 1 ? "" : "s");
}

std::string duration(double seconds) {
  if (seconds < 100) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<long>(seconds);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  if (whole < 48 * 3600) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
  return fmt::format("{} d {} h", whole / 86400, whole % 86400 / 3600);
}

std::string frequency(double per_second) {
  const auto number = [](double value) {
    return value < 9.95 ? fmt::format("{:.1f}", value) : grouped(static_cast<std::uint64_t>(value + 0.5));
  };
  if (per_second >= 0.95) return number(per_second) + "/s";
  if (per_second * 60 >= 0.95) return number(per_second * 60) + "/min";
  return number(per_second * 3600) + "/h";
}

}  // namespace stint
