// SPDX-License-Identifier: Apache-2.0
#include "pi.hpp"

#include "support/run_in_process.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>

namespace stint {
namespace {

using support::InProcess;

TEST(Pi, ComesNearToPi) {
  InProcess<Pi> run({{"points", {"2e7"}}});
  EXPECT_EQ(run.chunks(), 5U);
  EXPECT_NEAR(std::stod(run.result()), 3.14159265358979, 0.002);
}

TEST(Pi, IsTheSameForAnyRanges) {
  InProcess<Pi> run({{"points", {"3e7"}}, {"seed", {"7"}}});
  const std::string whole = run.result();
  for (std::uint64_t length : {1, 2, 3, 5}) EXPECT_EQ(run.result(run.ranges_of(length)), whole);
}

TEST(Pi, DependsOnTheSeed) {
  EXPECT_NE(InProcess<Pi>({{"points", {"1e6"}}, {"seed", {"1"}}}).result(),
            InProcess<Pi>({{"points", {"1e6"}}, {"seed", {"2"}}}).result());
}

TEST(Pi, CountsEveryPointOnce) {
  for (std::uint64_t points : {1U, 2U, 4'194'304U, 4'194'305U}) {
    Pi pi;
    pi.points = points;
    const RunFacts facts;
    std::uint64_t seen = 0;
    const auto plan = pi.plan(Context(facts));
    for (std::uint64_t chunk = 0; chunk < plan.size(); ++chunk) seen += plan[chunk].size();
    EXPECT_EQ(seen, points);
  }
}

TEST(Pi, RefusesNoPoints) { EXPECT_THROW(InProcess<Pi>({{"points", {"0"}}}), std::invalid_argument); }

}  // namespace
}  // namespace stint
