// SPDX-License-Identifier: Apache-2.0
// The number pi by throwing points at a square: the smallest whole job. Point i depends on the seed and on i alone, so
// the result is the same for any number of ranks and threads.
#pragma once

#include <stint/stint.hpp>

#include <cstdint>
#include <iomanip>
#include <ostream>
#include <stdexcept>

/// A strong mix of 64 bits (Stafford's variant 13, as in splitmix64).
constexpr std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/// Whether point `i` of the unit square is inside the quarter circle.
constexpr bool inside_circle(std::uint64_t seed, std::uint64_t i) {
  const std::uint64_t bits = mix(mix(seed) + i * 0x9e3779b97f4a7c15U);
  const double x = static_cast<double>(bits >> 32) * 0x1p-32;
  const double y = static_cast<double>(bits & 0xffffffffU) * 0x1p-32;
  return x * x + y * y < 1;
}

struct Pi {
  static constexpr auto name = "pi";
  static constexpr auto about = "the number pi by throwing points";
  static constexpr auto version = "1";
  static constexpr bool parallel_chunks = true;

  std::uint64_t points = 1'000'000'000, seed = 1;

  void options(stint::Options& o) {
    o.add("points", points, "points to throw");
    o.add("seed", seed, "random seed");
  }
  auto plan(const stint::Context&) const {
    if (points == 0) throw std::invalid_argument("--points 0: throw at least one point");
    return stint::split(points, 1 << 22);
  }
  std::uint64_t compute(stint::Range range, const stint::Context&) const {
    return stint::parallel_sum(range, [&](std::uint64_t i) { return inside_circle(seed, i); });
  }
  void reduce(std::uint64_t& total, std::uint64_t hits) const { total += hits; }
  void finish(std::uint64_t hits, stint::Output& output) const {
    output.text() << std::setprecision(15) << 4.0 * static_cast<double>(hits) / static_cast<double>(points) << '\n';
  }
};
