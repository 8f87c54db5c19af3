// SPDX-License-Identifier: Apache-2.0
// OpenMP loops for use inside `compute`: the same bits for any number of threads; exceptions reach the caller.
#pragma once

#include <stint/range.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace stint {

/// Calls `body(i)` for each i of `range` on the threads of this rank. Throws the first exception of a body,
/// after all threads have stopped.
template <class Body>
void parallel_for(Range range, Body&& body) {
  std::exception_ptr error;
  std::atomic<bool> failed{false};
#pragma omp parallel for schedule(dynamic, 1)
  for (std::uint64_t i = range.first; i < range.last; ++i) {
    if (failed.load(std::memory_order_relaxed)) continue;
    try {
      body(i);
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

/// Merges `map(i)` over `range` by `reduce(left, right)`: blocks of fixed length from left to right, and then the
/// blocks by a fixed tree. Both depend on the length of `range` alone, so the bits do not depend on the threads.
/// An empty range gives `Value{}`.
template <class Map, class Reduce>
auto parallel_reduce(Range range, Map&& map, Reduce&& reduce) {
  using Value = std::decay_t<decltype(map(range.first))>;
  constexpr std::uint64_t block = 4096;
  if (range.empty()) return Value{};
  const std::uint64_t blocks = (range.size() + block - 1) / block;
  const auto sums = std::make_unique<Value[]>(blocks);  // not a vector: elements of vector<bool> share bytes
  parallel_for({0, blocks}, [&](std::uint64_t b) {
    std::uint64_t i = range.first + b * block;
    const std::uint64_t end = i + block < range.last ? i + block : range.last;
    Value sum = map(i++);
    for (; i < end; ++i) reduce(sum, map(i));
    sums[b] = std::move(sum);
  });
  for (std::uint64_t step = 1; step < blocks; step *= 2) {
    for (std::uint64_t b = 0; b + step < blocks; b += 2 * step) reduce(sums[b], std::move(sums[b + step]));
  }
  return std::move(sums[0]);
}

/// The sum of `map(i)` over `range`, by the same fixed tree. Integers are summed in 64 bits; a `map` that returns bool
/// counts the true ones.
template <class Map>
auto parallel_sum(Range range, Map&& map) {
  using Value = std::decay_t<decltype(map(range.first))>;
  using Wide = std::conditional_t<std::is_signed_v<Value>, std::int64_t, std::uint64_t>;
  using Sum =
      typename std::conditional_t<std::is_integral_v<Value>, std::type_identity<Wide>, std::type_identity<Value>>::type;
  return parallel_reduce(
      range, [&](std::uint64_t i) -> Sum { return map(i); },
      [](Sum& left, auto&& right) { left += std::forward<decltype(right)>(right); });
}

}  // namespace stint
