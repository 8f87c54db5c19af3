// SPDX-License-Identifier: Apache-2.0
#include "cli/remaining.hpp"

#include "cli/quantity_text.hpp"
#include "support/recorded_histories.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <random>
#include <string>
#include <vector>

namespace stint {
namespace {

using testing::IsEmpty;

struct End {
  double time = 0;
  double seconds = 0;
};
/// When the chunks ended that so many lanes computed, in order of time.
struct History {
  std::string name;
  std::uint64_t lanes = 4;
  std::vector<End> ends;
};

History simulated(const std::string& name, std::uint64_t lanes, const std::vector<double>& list) {
  std::priority_queue<double, std::vector<double>, std::greater<>> free;
  for (std::uint64_t i = 0; i < lanes; ++i) free.push(0);
  History history{name, lanes, {}};
  for (const double seconds : list) {
    const double end = free.top() + seconds;
    free.pop();
    free.push(end);
    history.ends.push_back({end, seconds});
  }
  std::ranges::sort(history.ends, {}, &End::time);
  return history;
}

History recorded(const std::string& name, std::uint64_t lanes, const std::vector<test_support::RecordedPart>& parts) {
  History history{name, lanes, {}};
  for (const auto& part : parts) history.ends.push_back({part.start + part.seconds, part.seconds});
  std::ranges::sort(history.ends, {}, &End::time);
  return history;
}

constexpr double every = 0.2;  // seconds between two looks, as the display does

struct Said {
  int numbers = 0, ranges = 0, running = 0;
  std::vector<std::string> wrong;
};

bool holds(const Estimate& estimate, double truth, std::uint64_t running, std::uint64_t lanes, double slack) {
  switch (estimate.kind) {
    case Estimate::Kind::unknown:
      return false;
    case Estimate::Kind::number:
      return estimate.low <= 2 * truth + every && estimate.low >= truth / 2 - every;
    case Estimate::Kind::range:
      return estimate.low <= slack * truth + 2 * every && estimate.high >= truth / slack - 2 * every;
    case Estimate::Kind::running:
      return estimate.running == running && running <= lanes;
  }
  return false;
}

/// Holds what is said from 20 % on against what came. `slack`: by what factor the truth may stand outside a range.
Said compare(const History& history, double slack = 1) {
  const auto& ends = history.ends;
  const double over = ends.back().time;
  Remaining remaining;
  Said said;
  std::size_t ended = 0;
  double busy = 0, longest = 0;
  for (double now = 0; now < over; now += every) {
    for (; ended < ends.size() && ends[ended].time <= now; ++ended) {
      busy += ends[ended].seconds;
      longest = std::max(longest, ends[ended].seconds);
    }
    Sighting sighting;
    sighting.now = 1000 + now;
    sighting.total = ends.size();
    sighting.ended = ended;
    sighting.usual = ended > 0 ? busy / static_cast<double>(ended) : -1;
    sighting.longest = longest;
    sighting.lanes = history.lanes;
    for (std::size_t i = ended; i < ends.size(); ++i) {  // what is at work is seen once it has been for a second
      const double age = now - (ends[i].time - ends[i].seconds);
      if (age >= 1) sighting.oldest = std::max(sighting.oldest, age);
    }
    remaining.see(sighting);
    const auto estimate = remaining.estimate();
    if (ended * 5 < ends.size()) continue;
    said.numbers += estimate.kind == Estimate::Kind::number;
    said.ranges += estimate.kind == Estimate::Kind::range;
    said.running += estimate.kind == Estimate::Kind::running;
    if (holds(estimate, over - now, ends.size() - ended, history.lanes, slack)) continue;
    said.wrong.push_back(history.name + " at " + std::to_string(now) + " of " + std::to_string(over) + ": " + estimate.text());
  }
  return said;
}

std::vector<double> drawn(std::size_t count, unsigned seed, const std::function<double(std::mt19937&)>& draw) {
  std::mt19937 random(seed);
  std::vector<double> list(count);
  for (auto& each : list) each = draw(random);
  return list;
}

TEST(RemainingTest, IsRightOnEvenWork) {
  for (std::uint64_t lanes : {1U, 2U, 4U, 16U}) {
    for (std::size_t count : {20U, 100U, 1000U}) {
      const auto said = compare(simulated("even", lanes, std::vector<double>(count, 1.0)));
      EXPECT_THAT(said.wrong, IsEmpty());
      EXPECT_GE(said.numbers, 5 * said.ranges) << lanes << " lanes, " << count << " chunks";
    }
  }
  for (unsigned seed : {1U, 2U, 3U}) {
    const auto draw = [](auto& random) { return std::uniform_real_distribution<>(0.5, 1.5)(random); };
    EXPECT_THAT(compare(simulated("nearly even", 4, drawn(200, seed, draw))).wrong, IsEmpty());
  }
}

TEST(RemainingTest, IsRightOnRecordedWork) {
  for (const auto& history : {recorded("compile", 2, test_support::recorded_compile), recorded("xz", 3, test_support::recorded_xz)}) {
    const auto said = compare(history, 1.07);
    EXPECT_THAT(said.wrong, IsEmpty());
    EXPECT_GT(said.ranges, 10 * said.numbers);
  }
}

TEST(RemainingTest, IsRightWhereTheRateChanges) {
  for (double factor : {0.6, 1.7}) {
    std::vector<double> seconds(200, 1.0);
    for (std::size_t i = 100; i < 200; ++i) seconds[i] = factor;
    EXPECT_THAT(compare(simulated("rate changes", 4, seconds)).wrong, IsEmpty());
  }
}

TEST(RemainingTest, CountsFailuresAsEnded) {
  // Every second one fails after a tenth of the time.
  std::vector<double> seconds(400, 1.0);
  for (std::size_t i = 0; i < 400; i += 2) seconds[i] = 0.1;
  EXPECT_THAT(compare(simulated("failures", 4, seconds)).wrong, IsEmpty());
}

TEST(RemainingTest, GivesARangeOnSkewedWork) {
  int ranges = 0, numbers = 0;
  std::size_t wrong = 0;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    const auto lognormal = [](auto& random) { return std::lognormal_distribution<>(-1, 1)(random); };
    EXPECT_THAT(compare(simulated("skewed " + std::to_string(seed), 8, drawn(300, seed, lognormal))).wrong, IsEmpty());
    // A chunk of 40 s among many of 0.1 s, which has not begun yet, is foreseen by nobody.
    const auto pareto = [](auto& random) {
      return 0.1 * std::pow(std::uniform_real_distribution<>(1e-4, 1)(random), -1 / 1.5);
    };
    const auto said = compare(simulated("heavy tail " + std::to_string(seed), 4, drawn(500, seed, pareto)));
    ranges += said.ranges;
    numbers += said.numbers;
    wrong += said.wrong.size();
  }
  EXPECT_GT(ranges, 10 * numbers);
  EXPECT_LT(wrong, (ranges + numbers) / 8U);
}

TEST(RemainingTest, NamesWhatRunsWhereNothingWaits) {
  // The four that began first are still at work when all others have ended: '0.4 s left', 14 s before the end.
  std::vector<double> seconds(404, 0.3);
  for (std::size_t i = 0; i < 4; ++i) seconds[i] = 40;
  const auto said = compare(simulated("stragglers", 8, seconds));
  EXPECT_THAT(said.wrong, IsEmpty());
  EXPECT_GT(said.running, 20);

  Remaining remaining;
  remaining.see({.now = 0, .total = 100, .ended = 0, .lanes = 4});
  EXPECT_EQ(remaining.estimate().text(), "");
  remaining.see({.now = 10, .total = 100, .ended = 96, .usual = 0.3, .longest = 0.5, .lanes = 4, .oldest = 12});
  EXPECT_EQ(remaining.estimate().text(), "4 running, oldest 12.0 s (usual 0.3 s)");
  remaining.see({.now = 10, .total = 100, .ended = 99, .usual = 0.3, .longest = 0.5, .lanes = 4});
  EXPECT_EQ(remaining.estimate().text(), "1 running (usual 0.3 s)");
}

TEST(RemainingTest, NamesTheLastOneThoughNoHeartbeatToldOfIt) {
  Remaining remaining;
  remaining.see({.now = 0, .total = 21, .ended = 0, .lanes = 2});
  remaining.see({.now = 2, .total = 21, .ended = 20, .usual = 0.2, .longest = 0.25, .lanes = 2});
  EXPECT_EQ(remaining.estimate().text(), "1 running (usual 0.2 s)");
  remaining.see({.now = 5, .total = 21, .ended = 20, .usual = 0.2, .longest = 0.25, .lanes = 2});
  EXPECT_EQ(remaining.estimate().text(), "1 running, oldest 3.0 s (usual 0.2 s)");
}

TEST(RemainingTest, IsRightOnSmallRuns) {
  std::size_t said = 0;
  std::vector<std::string> wrong;
  const auto add = [&](const History& history) {
    const auto compared = compare(history);
    said += static_cast<std::size_t>(compared.numbers + compared.ranges + compared.running);
    wrong.insert(wrong.end(), compared.wrong.begin(), compared.wrong.end());
  };
  for (std::size_t count : {6U, 10U, 21U, 40U}) {
    for (std::uint64_t lanes : {1U, 2U, 4U}) {
      for (unsigned seed = 1; seed <= 10; ++seed) {
        const auto draw = [](auto& random) { return std::uniform_real_distribution<>(0.5, 1.5)(random); };
        auto seconds = drawn(count, seed, draw);
        add(simulated("small", lanes, seconds));
        seconds.front() = 9;  // it runs beside the others
        if (lanes > 1) add(simulated("small, a long one first", lanes, seconds));
      }
    }
  }
  EXPECT_LT(wrong.size(), said / 100) << testing::PrintToString(wrong);
}

TEST(RemainingTest, BeginsAnewWhereTheCountGoesBack) {
  Remaining remaining;
  remaining.see({.now = 0, .total = 1000, .ended = 900, .lanes = 1});
  EXPECT_EQ(remaining.rate(), 0) << "what an earlier call computed is not ours";
  remaining.see({.now = 1, .total = 1000, .ended = 910, .usual = 0.1, .longest = 0.1, .lanes = 1});
  EXPECT_EQ(remaining.estimate().text(), "9.0 s left");
  remaining.see({.now = 2, .total = 1000, .ended = 5, .usual = 0.1, .longest = 0.1, .lanes = 1});
  EXPECT_EQ(remaining.estimate().kind, Estimate::Kind::unknown);
}

TEST(QuantityTextTest, IsReadByPeople) {
  EXPECT_EQ(frequency(1234.4), "1,234/s");
  EXPECT_EQ(frequency(9.97), "10/s");
  EXPECT_EQ(frequency(1.25), "1.2/s");
  EXPECT_EQ(frequency(0.5), "30/min");
  EXPECT_EQ(frequency(0.01), "36/h");
  EXPECT_EQ(duration(0.04), "0.0 s");
  EXPECT_EQ(duration(200), "3 min 20 s");
  EXPECT_EQ(counted(1, "rank"), "1 rank");
  EXPECT_EQ(grouped(12345678), "12,345,678");
}

}  // namespace
}  // namespace stint
