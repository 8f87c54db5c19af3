// SPDX-License-Identifier: Apache-2.0
// Every crash point: a small run is played once without faults and its requests are counted; then again for each
// request of each worker and each point of it (before it is sent, before the reply, with the reply in hand), with the
// worker killed there, alone or followed by the one that takes its place; and with the request lost, its reply lost, or
// late.
#include "simulation/simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace stint::test_support {
namespace {

struct Point {
  int worker = -1;           ///< which of the actors
  std::uint64_t request = 0; ///< its how many-th
  Fate fate = Fate::well;
};

class CrashPointsTest : public ::testing::TestWithParam<const char*> {
 protected:
  /// Plays the run with these faults; what is wrong, or empty. Counts the requests of the first two workers.
  std::string play(const std::vector<Point>& points) {
    const auto boards = std::string(GetParam()) == "Fake" ? fake_boards() : redis_boards();
    std::map<const Actor*, std::uint64_t> sent;
    Simulation* stage = nullptr;
    const auto hook = [&](const Actor& actor, const std::string&) {
      const auto number = sent[&actor]++;
      for (const auto& point : points) {
        const auto at = static_cast<std::size_t>(point.worker);
        if (at < stage->actors.size() && stage->actors[at].get() == &actor && point.request == number) return point.fate;
      }
      return Fate::well;
    };
    ReducerOptions reducing;
    reducing.fold_seconds = 0.02;
    reducing.fold_nodes = 2;
    Simulation simulation(*boards, {.chunks = 13, .slots = 2, .commit_seconds = 0.01,
                                      .check_each_step = std::string(GetParam()) == "Fake"}, hook);
    stage = &simulation;
    for (const auto* name : {"leader", "second"}) simulation.add_worker(name, {}, reducing);
    int newcomers = 0;
    for (int turn = 0; turn < 3000 && simulation.wrong().empty() && !simulation.over(); ++turn) {
      simulation.turn();
      if (turn % 50 == 49) simulation.deliver_late(false);
      const bool any = std::ranges::any_of(
          simulation.actors, [](const auto& actor) { return !actor->dead && !actor->worker->session.over(); });
      if (!any && newcomers < 4) simulation.add_worker("newcomer" + std::to_string(++newcomers), {}, reducing);
    }
    simulation.deliver_late(true);
    requests_ = {sent[simulation.actors[0].get()], sent[simulation.actors[1].get()]};
    const auto verdict = simulation.verdict(false);
    return verdict.empty() ? verdict : verdict + "\n" + simulation.story();
  }

  std::vector<std::uint64_t> requests_;
};

TEST_P(CrashPointsTest, ARunSurvivesTheDeathOfAnyWorkerAtAnyPoint) {
  ASSERT_EQ(play({}), "");
  const auto requests = requests_;
  ASSERT_GT(requests[0], 30U);
  for (int worker = 0; worker < 2; ++worker) {
    for (std::uint64_t request = 0; request < requests[static_cast<std::size_t>(worker)]; ++request) {
      for (const auto fate : {Fate::die_before, Fate::die_unknowing, Fate::die_knowing}) {
        ASSERT_EQ(play({{worker, request, fate}}), "")
            << "worker " << worker << ", request " << request << ", fate " << static_cast<int>(fate);
      }
    }
  }
}

TEST_P(CrashPointsTest, ARunSurvivesASecondDeathDuringTheRecovery) {
  ASSERT_EQ(play({}), "");
  const auto requests = requests_;
  for (std::uint64_t request = 0; request < requests[0]; request += 3) {
    // The other dies soon after, so that a newcomer finds both gone; or the newcomer dies as well.
    for (const std::uint64_t after : {std::uint64_t{1}, std::uint64_t{8}, std::uint64_t{25}}) {
      ASSERT_EQ(play({{0, request, Fate::die_unknowing}, {1, request + after, Fate::die_unknowing}}), "")
          << request << " and " << after;
      ASSERT_EQ(play({{0, request, Fate::die_unknowing},
                      {1, request + 1, Fate::die_before},
                      {2, after, Fate::die_unknowing}}),
                "")
          << request << " and " << after << " of the newcomer";
    }
  }
}

TEST_P(CrashPointsTest, ARunSurvivesAnyRequestThatIsLostOrLateAndAnyReplyThatIsLost) {
  ASSERT_EQ(play({}), "");
  const auto requests = requests_;
  for (int worker = 0; worker < 2; ++worker) {
    for (std::uint64_t request = 0; request < requests[static_cast<std::size_t>(worker)]; ++request) {
      for (const auto fate : {Fate::lose_request, Fate::lose_reply, Fate::late}) {
        ASSERT_EQ(play({{worker, request, fate}}), "")
            << "worker " << worker << ", request " << request << ", fate " << static_cast<int>(fate);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Boards, CrashPointsTest, ::testing::Values("Fake", "Redis"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace stint::test_support
