// SPDX-License-Identifier: Apache-2.0
// Loops on threads: the same bits for any number of them, and exceptions carried out.
#include <stint/parallel.hpp>

#include <gtest/gtest.h>

#include <omp.h>

#include <bit>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace stint {
namespace {

class Threads {
 public:
  explicit Threads(int count) : before_(omp_get_max_threads()) { omp_set_num_threads(count); }
  ~Threads() { omp_set_num_threads(before_); }

 private:
  int before_;
};

TEST(ParallelSum, HasTheSameBitsForAnyNumberOfThreads) {
  auto term = [](std::uint64_t i) {
    return std::sin(static_cast<double>(i)) * std::pow(10.0, static_cast<double>(i % 17));
  };
  for (Range range : {Range{0, 1}, Range{5, 4101}, Range{0, 4096}, Range{0, 4097}, Range{3, 100'000}}) {
    const double one = [&] {
      Threads threads(1);
      return parallel_sum(range, term);
    }();
    for (int count : {2, 3, 7}) {
      Threads threads(count);
      EXPECT_EQ(std::bit_cast<std::uint64_t>(parallel_sum(range, term)), std::bit_cast<std::uint64_t>(one)) << count;
    }
  }
}

TEST(ParallelSum, CountsConditionsAndSmallNumbersInSixtyFourBits) {
  EXPECT_EQ(parallel_sum({0, 100'000}, [](std::uint64_t i) { return i % 3 == 0; }), 33'334U);
  EXPECT_EQ(parallel_sum({0, 10'000}, [](std::uint64_t) { return static_cast<unsigned char>(200); }), 2'000'000U);
  EXPECT_EQ(parallel_sum({0, 10'000}, [](std::uint64_t) { return -1'000'000; }), -10'000'000'000);
}

TEST(ParallelSum, OfNothingIsZero) {
  EXPECT_EQ(parallel_sum({7, 7}, [](std::uint64_t) { return 1.5; }), 0.0);
}

TEST(ParallelReduce, KeepsTheOrderOfALongRange) {
  Threads threads(3);
  const auto text = parallel_reduce(
      {0, 10'000}, [](std::uint64_t i) { return std::to_string(i % 10); },
      [](std::string& left, std::string right) { left += right; });
  ASSERT_EQ(text.size(), 10'000U);
  for (std::size_t i = 0; i < text.size(); ++i) ASSERT_EQ(text[i], static_cast<char>('0' + i % 10));
}

TEST(ParallelReduce, TakesConditions) {
  Threads threads(3);
  auto any = [](bool& left, bool right) { left = left || right; };
  EXPECT_TRUE(parallel_reduce(
      {0, 50'000}, [](std::uint64_t i) { return i == 49'999; }, any));
  EXPECT_FALSE(parallel_reduce(
      {0, 50'000}, [](std::uint64_t) { return false; }, any));
}

TEST(ParallelFor, CarriesAnExceptionOut) {
  Threads threads(3);
  EXPECT_THROW(parallel_for({0, 1000},
                            [](std::uint64_t i) {
                              if (i == 500) throw std::domain_error("here");
                            }),
               std::domain_error);
}

TEST(ParallelFor, CallsEachIndexOnce) {
  Threads threads(3);
  std::vector<int> calls(1000);
  parallel_for({0, calls.size()}, [&](std::uint64_t i) { ++calls[i]; });
  EXPECT_EQ(calls, std::vector<int>(1000, 1));
}

}  // namespace
}  // namespace stint
