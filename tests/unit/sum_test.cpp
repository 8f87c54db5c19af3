// SPDX-License-Identifier: Apache-2.0
#include "sum.hpp"

#include "support/run_in_process.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace stint {
namespace {

using support::InProcess;
using support::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string bad_input_of(InProcess<Sum>& run) {
  try {
    return run.result();
  } catch (const BadInput& error) {
    return error.what();
  }
}

TEST(Sum, OfOneToTenInChunksOfThreeIs55) {
  InProcess<Sum> run({{"numbers", {"1,2,3,4,5,6,7,8,9,10"}}, {"chunk", {"3"}}});
  EXPECT_EQ(run.chunks(), 4U);
  const std::string expected =
      "count\t10\nsum\t55\nmean\t5.5\nvariance\t9.1666666666666661\nminimum\t1\nmaximum\t10\nnan\t0\ninf\t0\n";
  EXPECT_EQ(run.result(), expected);
  EXPECT_EQ(run.result(run.ranges_of(1)), expected);
}

TEST(Sum, ReadsFilesAlikeForEveryChunkSize) {
  TemporaryFolder folder;
  const std::vector<std::string> files{folder.write("a", "1 2.5\n-3e2\r\n"), folder.write("b", ""),
                                       folder.write("c", "+4\t0.125 nan inf\n-inf NaN 7")};
  for (int chunk_bytes = 1; chunk_bytes <= 64; ++chunk_bytes) {
    InProcess<Sum> run({{"files", files}, {"chunk-size", {std::to_string(chunk_bytes)}}});
    EXPECT_THAT(run.result(), AllOf(HasSubstr("count\t6\nsum\t-285.375\n"),
                                    HasSubstr("minimum\t-300\nmaximum\t7\nnan\t2\ninf\t2\n")));
  }
}

TEST(Sum, HasTheSameBitsForAnyRanges) {
  TemporaryFolder folder;
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> numbers(0, 8);
  std::string text;
  for (int i = 0; i < 5000; ++i) text += std::to_string(numbers(random)) + '\n';
  InProcess<Sum> run({{"files", {folder.write("a", text)}}, {"chunk-size", {"1000"}}});
  const std::string bytes = run.partial({{0, run.chunks()}});
  for (std::uint64_t length : {1, 2, 5, 17}) EXPECT_EQ(run.partial(run.ranges_of(length)), bytes);
}

TEST(Sum, LosesNoDigitsOfAVarianceBesideALargeMean) {
  Moments all;
  Moments left;
  Moments right;
  for (int i = 0; i < 1000; ++i) {
    const double number = 1e9 + i % 2;
    all.add(number);
    (i < 300 ? left : right).add(number);
  }
  left.merge(right);
  EXPECT_NEAR(all.variance(), 0.25 * 1000 / 999, 1e-9);
  EXPECT_NEAR(left.variance(), 0.25 * 1000 / 999, 1e-9);
  EXPECT_EQ(left.count, 1000U);
  EXPECT_EQ(left.total(), 1e12 + 500);
}

TEST(Sum, AddsSmallNumbersToALargeOneWithoutLosingThem) {
  Moments large;
  large.add(1e16);
  Moments small;
  for (int i = 0; i < 1000; ++i) small.add(1);
  for (int i = 0; i < 10; ++i) large.add(1);
  large.merge(small);
  large.add(-1e16);
  EXPECT_EQ(large.total(), 1010);
}

TEST(Sum, MergesWithNothingToItself) {
  Moments some;
  for (double number : {0.1, 0.7, -3.0}) some.add(number);
  Moments merged = some;
  merged.merge({});
  EXPECT_EQ(archive::encode(merged), archive::encode(some));
  Moments other;
  other.merge(some);
  EXPECT_EQ(archive::encode(other), archive::encode(some));
}

TEST(Sum, OfNothingHasNoMean) {
  TemporaryFolder folder;
  EXPECT_EQ(InProcess<Sum>({{"files", {folder.write("a", "")}}}).result(),
            "count\t0\nsum\t0\nmean\tnan\nvariance\tnan\nminimum\tnan\nmaximum\tnan\nnan\t0\ninf\t0\n");
  EXPECT_THAT(InProcess<Sum>({{"numbers", {"5"}}}).result(), HasSubstr("mean\t5\nvariance\tnan\n"));
}

TEST(Sum, BeyondTheLargestDoubleIsInfinite) {
  EXPECT_THAT(InProcess<Sum>({{"numbers", {"1e308,1e308"}}}).result(), HasSubstr("sum\tinf\n"));
}

TEST(Sum, NamesFileAndByteOfWhatIsNoNumber) {
  TemporaryFolder folder;
  const std::string file = folder.write("a", "1 2 3\n4 5x 6\n");
  for (const char* chunk_bytes : {"1", "4", "100"}) {
    InProcess<Sum> run({{"files", {file}}, {"chunk-size", {chunk_bytes}}});
    EXPECT_THAT(bad_input_of(run), AllOf(HasSubstr(file + ", byte 8: '5x' is no number")));
  }
  for (const char* text : {"0x10", "1,2", "--1", "+", "1e", "ten", "1e999", "\xff"}) {
    InProcess<Sum> run({{"files", {folder.write("b", text)}}});
    EXPECT_THAT(bad_input_of(run), HasSubstr("byte 0: '")) << text;
  }
}

TEST(Sum, RefusesBothKindsOfInputAndNone) {
  TemporaryFolder folder;
  const std::string file = folder.write("a", "1");
  EXPECT_THROW(InProcess<Sum>({}), std::invalid_argument);
  EXPECT_THROW(InProcess<Sum>({{"files", {file}}, {"numbers", {"1"}}}), std::invalid_argument);
  EXPECT_THROW(InProcess<Sum>({{"numbers", {"1"}}, {"chunk", {"0"}}}), std::invalid_argument);
}

}  // namespace
}  // namespace stint
