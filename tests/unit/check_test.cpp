// SPDX-License-Identifier: Apache-2.0
// `--check`: what it finds, of jobs that are wrong on purpose.
#include "cli/check.hpp"

#include <stint/stint.hpp>

#include "base/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace stint {
namespace {

using ::testing::HasSubstr;

struct Good {
  static constexpr auto name = "good";
  Split plan(const Context&) const { return split(10, 1); }
  std::uint64_t compute(Range range, const Context&) const { return range.first; }
  void reduce(std::uint64_t& left, std::uint64_t right) const { left += right; }
  void finish(std::uint64_t, Output&) const {}
};

struct CountsThreads : Good {
  std::uint64_t compute(Range range, const Context& context) const {
    return range.first + (range.first == 5 ? static_cast<std::uint64_t>(context.threads()) : 0);
  }
};

// Its partial does not write all that its reduce looks at.
struct Forgetful : Good {
  struct Mean {
    double mean = 0;
    std::uint64_t count = 0;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
      archive & mean;
    }
    Mean() = default;
    explicit Mean(double of) : mean(of), count(1) {}
    Mean(const Mean& other) : mean(other.mean), count(other.count) {}
    Mean& operator=(const Mean&) = default;
  };
  Mean compute(Range range, const Context&) const { return Mean(static_cast<double>(range.first)); }
  void reduce(Mean& left, const Mean& right) const {
    const auto count = left.count + right.count;
    left.mean = (left.mean * static_cast<double>(left.count) + right.mean * static_cast<double>(right.count)) /
                static_cast<double>(count == 0 ? 1 : count);
    left.count = count;
  }
  void finish(const Mean&, Output&) const {}
};

// The error of a check of so many chunks; empty: none.
template <class J>
std::string found(std::uint64_t count) {
  Adapter<J> job;
  const RunFacts facts;
  job.plan(Context(facts));
  try {
    EXPECT_EQ(check_chunks(job, facts, count), std::min<std::uint64_t>(count, 10));
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::defect);
    return error.what();
  }
  return "";
}

TEST(Check, FindsNothingInAGoodJob) {
  for (const std::uint64_t count : {1, 2, 10, 99}) EXPECT_EQ(found<Good>(count), "");
}

TEST(Check, FindsAChunkWhoseBytesDependOnTheNumberOfThreads) {
  EXPECT_THAT(found<CountsThreads>(10), HasSubstr("chunk 5 gives other bytes with 2 threads"));
}

TEST(Check, FindsAPartialThatLosesSomethingWhenItIsStored) {
  EXPECT_THAT(found<Forgetful>(2), HasSubstr("chunks 0 and 5 merge to other bytes after they were stored"));
}

}  // namespace
}  // namespace stint
