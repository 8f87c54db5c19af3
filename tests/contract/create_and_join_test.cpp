// SPDX-License-Identifier: Apache-2.0
// How a run comes to be, and who may join it.
#include "contract/board_test.hpp"

#include <random>

namespace stint::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_P(BoardTest, KnowsNothingOfARunThatWasNotMade) {
  EXPECT_FALSE(board->state().has_value());
  EXPECT_EQ(board->plan(), "");
  EXPECT_THAT(board->nodes(), IsEmpty());
  EXPECT_THAT(board->workers(), IsEmpty());
  EXPECT_FALSE(board->result().has_value());
  EXPECT_EQ(Hand(*board, "a").join().refusal, Refusal::gone);
}

TEST_P(BoardTest, TheSecondOfTwoFirstStartsJoinsTheRunOfTheFirst) {
  const auto first = board->create(spec, false, false);
  auto other = spec;
  other.plan = "another plan, from another clock";
  const auto second = boards->open("run")->create(other, false, false);
  EXPECT_EQ(first.refusal, Refusal::none);
  EXPECT_EQ(second.refusal, Refusal::none);
  EXPECT_EQ(first.state.generation, second.state.generation);
  EXPECT_EQ(second.state.state, "running");
  EXPECT_EQ(second.state.chunks, 64U);
  EXPECT_EQ(board->plan(), "the plan");
  EXPECT_EQ(second.state.fields.at("job"), "job");
  EXPECT_EQ(second.state.fields.at("options"), "{}");
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, IsOwnedByWhoMakesItOrGoesOnWithItWhileNobodyIsAtWork) {
  const auto owner_after = [&](const std::string& who, const std::string& lost) {
    spec.owner = who;
    spec.lost_owner = lost;
    return board->create(spec, false, false).state.fields.at("owner");
  };
  EXPECT_EQ(owner_after("first", ""), "first");
  EXPECT_EQ(owner_after("second", ""), "first") << "the first is about to join";
  EXPECT_EQ(owner_after("second", "another"), "first");
  EXPECT_EQ(owner_after("second", "first"), "second") << "the first is known to be gone";
  EXPECT_EQ(owner_after("second", ""), "second") << "sent twice";
  boards->advance(61);
  EXPECT_EQ(owner_after("third", ""), "third") << "nobody came of the second";
  auto a = joined("a");
  boards->advance(61);
  EXPECT_EQ(owner_after("fourth", ""), "third") << "somebody is at work";
  EXPECT_EQ(owner_after("fourth", "third"), "third");
  ASSERT_EQ(board->cancel(), Refusal::none);
  EXPECT_EQ(owner_after("fifth", ""), "fifth");
}

TEST_P(BoardTest, FreshDropsWhatIsThereAndWhoWorksOnIt) {
  auto a = start(64);
  a.work_off();
  const auto before = a.caller.generation;
  const auto again = board->create(spec, true, false);
  EXPECT_NE(again.state.generation, before);
  EXPECT_EQ(again.state.done, 0U);
  EXPECT_EQ(again.state.workers, 0U);
  EXPECT_THAT(board->nodes(), IsEmpty());
  EXPECT_EQ(a.claim().refusal, Refusal::gone);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, RefusesOtherContentUnderTheSameRunId) {
  board->create(spec, false, false);
  auto other = spec;
  other.identity = "{\"n\":2}";
  EXPECT_EQ(board->create(other, false, true).refusal, Refusal::identity);
  EXPECT_EQ(board->state()->fields.at("identity"), "{\"n\":1}");
}

TEST_P(BoardTest, RefusesAnotherProgramUnlessItIsAccepted) {
  auto a = start(64);
  a.claim();
  a.commit({Range{0, 4}});
  auto other = spec;
  other.program = "v2";
  EXPECT_EQ(board->create(other, false, false).refusal, Refusal::program);
  EXPECT_EQ(Hand(*board, "b").join(-1, "v2").refusal, Refusal::program);
  const auto accepted = board->create(other, false, true);
  EXPECT_EQ(accepted.refusal, Refusal::none);
  EXPECT_EQ(accepted.state.done, 4U) << "what is done is kept";
  EXPECT_EQ(accepted.state.fields.at("program"), "v2");
  EXPECT_EQ(a.claim().refusal, Refusal::gone) << "nobody goes on with the old program";
  EXPECT_EQ(Hand(*board, "b").join(-1, "v2").refusal, Refusal::none);
  EXPECT_EQ(broken_rule(look(), spec), "");
}

TEST_P(BoardTest, ReopensAFailedRunUnderANewGeneration) {
  auto a = start(64, 2, 0);
  a.claim();
  a.commit({*a.claim().range});
  ASSERT_EQ(board->end(a.caller.generation, 2, "bad input"), Refusal::none);
  EXPECT_EQ(board->state()->state, "failed");
  EXPECT_EQ(board->state()->fields.at("exit"), "2");
  EXPECT_EQ(board->state()->fields.at("error"), "bad input");
  const auto again = board->create(spec, false, false);
  EXPECT_EQ(again.refusal, Refusal::none);
  EXPECT_EQ(again.state.state, "running");
  EXPECT_NE(again.state.generation, a.caller.generation);
  EXPECT_EQ(again.state.workers, 0U);
  EXPECT_FALSE(again.state.fields.contains("error"));
  EXPECT_EQ(broken_rule(look(), spec), "");
  EXPECT_EQ(a.claim().refusal, Refusal::gone);
  auto b = joined("b");
  b.work_off();
  EXPECT_EQ(board->state()->done, 64U);
}

TEST_P(BoardTest, FindsADoneRunDone) {
  auto a = start(8);
  a.work_off();
  ASSERT_EQ(finish(a), Refusal::none);
  auto newer = spec;
  newer.program = "v2";
  EXPECT_EQ(board->create(newer, false, false).refusal, Refusal::program);
  const auto again = board->create(newer, false, true);
  EXPECT_EQ(again.refusal, Refusal::none);
  EXPECT_EQ(again.state.state, "done");
  EXPECT_EQ(again.state.done, 8U);
  EXPECT_EQ(board->result(), "the result");
  EXPECT_EQ(Hand(*board, "b").join(-1, "v2").refusal, Refusal::ended);
}

TEST_P(BoardTest, TheFirstToJoinLeads) {
  auto a = start(64);
  const auto b = Hand(*board, "b").join();
  EXPECT_EQ(b.leader, "a");
  EXPECT_EQ(b.state.workers, 2U);
  EXPECT_EQ(b.state.generation, a.caller.generation);
  EXPECT_EQ(board->workers().at("a"), "{\"host\":\"here\"}");
}

TEST_P(BoardTest, JoinsOnceHoweverOftenItIsSent) {
  auto a = start(64, 4, 1);
  a.claim();
  const auto before = look();
  const auto again = a.join(1);
  EXPECT_EQ(again.refusal, Refusal::none);
  EXPECT_EQ(again.leader, "a");
  const auto after = look();
  EXPECT_EQ(before.queues, after.queues);
  EXPECT_EQ(before.claims, after.claims);
  EXPECT_EQ(before.slots, after.slots);
}

TEST_P(BoardTest, GivesASlotToOneOnly) {
  auto a = start(64, 4, 2);
  auto b = joined("b", 2);
  auto c = joined("c", 4);
  const auto picture = look();
  EXPECT_EQ(count(picture.queues.at("a")), 16U);
  EXPECT_EQ(count(picture.queues.at("b")), 0U);
  EXPECT_EQ(count(picture.queues.at("c")), 0U) << "there are only four";
  EXPECT_THAT(picture.slots, ElementsAre(false, false, true, false));
  EXPECT_EQ(broken_rule(picture, spec), "");
}

TEST_P(BoardTest, JoinsNoOtherGeneration) {
  auto a = start(64);
  Hand b(*board, "b");
  b.caller.generation = a.caller.generation + 1;
  EXPECT_EQ(b.join().refusal, Refusal::gone);
  b.caller.generation = a.caller.generation;
  EXPECT_EQ(b.join().refusal, Refusal::none);
}

// Chunks that cost all the same, that get cheaper, and that are cheap but for a
// few.
std::vector<double> profile_of(const std::string& kind, std::uint64_t chunks) {
  if (kind == "alike" || chunks == 0) return {};
  std::mt19937_64 random(chunks);
  std::vector<double> before{0};
  for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
    const double falling = static_cast<double>(chunks - chunk);
    before.push_back(before.back() + (kind == "falling" ? falling : random() % 50 == 0 ? 1000.0 : 1.0));
  }
  const auto steps = std::min<std::uint64_t>(chunks, 200);
  std::vector<double> profile;
  for (std::uint64_t step = 0; step <= steps; ++step) profile.push_back(before[step * chunks / steps]);
  return profile;
}

TEST_P(BoardTest, AllSlotsTogetherHoldEachChunkOnce) {
  for (const std::string kind : {"alike", "falling", "spiky"}) {
    for (const std::uint64_t chunks : {0, 1, 2, 3, 7, 8, 9, 31, 64, 100, 1000, 4097, 20000}) {
      for (const std::uint64_t slots : {1, 2, 3, 5, 8, 13, 40}) {
        SCOPED_TRACE(kind + ", " + std::to_string(chunks) + " chunks, " + std::to_string(slots) + " slots");
        spec = spec_of(chunks, slots);
        spec.profile = profile_of(kind, chunks);
        ASSERT_EQ(board->create(spec, true, false).refusal, Refusal::none);
        for (std::uint64_t slot = 0; slot < slots; ++slot) {
          joined("w" + std::to_string(slot), static_cast<std::int64_t>(slot));
        }
        std::vector<int> seen(chunks);
        for (const auto& [worker, ranges] : look().queues) {
          EXPECT_LE(ranges.size(), 16U);
          for (const auto range : ranges) {
            ASSERT_LE(range.last, chunks);
            for (auto chunk = range.first; chunk < range.last; ++chunk) ++seen[chunk];
          }
        }
        EXPECT_THAT(seen, ::testing::Each(1));
      }
    }
  }
}

TEST_P(BoardTest, SlotsAreOfLikeCost) {
  for (const std::string kind : {"alike", "falling"}) {
    spec = spec_of(10000, 8);
    spec.profile = profile_of(kind, 10000);
    ASSERT_EQ(board->create(spec, true, false).refusal, Refusal::none);
    for (int slot = 0; slot < 8; ++slot) joined("w" + std::to_string(slot), slot);
    double sum = 0, most = 0;
    for (const auto& [worker, load] : look().load) {
      sum += load;
      most = std::max(most, load);
    }
    EXPECT_LT(most, 1.1 * sum / 8) << kind;
  }
}

TEST_P(BoardTest, APlanWithoutChunksIsCompleteAtOnce) {
  auto a = start(0);
  EXPECT_FALSE(a.claim().range.has_value());
  EXPECT_EQ(finish(a), Refusal::none);
  EXPECT_EQ(board->state()->state, "done");
}

}  // namespace
}  // namespace stint::test_support
