// SPDX-License-Identifier: Apache-2.0
#include "support/simulated_worker.hpp"

#include "engine/reducer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace stint {
namespace {

using support::frame_of;
using support::SimulatedRun;
using support::Trace;
using support::traced_without;
using test_support::FakeRun;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct WithEmpty : Trace {
  [[nodiscard]] std::string empty() const { return "nothing"; }
};
struct Breaking : Trace {
  void reduce(std::string&, const std::string&) const { throw std::runtime_error("bad merge"); }
};

// A rank that leads as soon as it has joined.
template <class Job = Trace>
struct Leader {
  Leader(SimulatedRun& of, const std::string& name, ReducerOptions options = {})
      : run(of), board(of.board()), finisher(support::finisher_of(job)) {
    support::set_options(job, of.arguments);
    job.plan(Context(RunFacts{}));
    finisher.render = [this](const Partial&, const RunState&) { rendered += 1; };
    finisher.fields = [](const RunState&) { return std::map<std::string, std::string>{{"by", "test"}}; };
    reducer = std::make_unique<Reducer>(session, job, board, of.clock, finisher, options);
    session.say = [this](const std::string& line) { said.push_back(line); };
    Caller caller;
    caller.worker = name;
    const auto joined = board.join(caller, "{}", -1, "");
    session.set_identity({name, joined.state.generation});
    session.set_leader(joined.leader);
  }
  double step() { return reducer->step(); }
  // Steps until the session is over; at most so often.
  void play(int steps = 10) {
    while (!session.over() && steps-- > 0) step();
  }
  [[nodiscard]] Outcome outcome() const {
    return session.outcome().value_or(Outcome{Outcome::Kind::failed, {}, "open"});
  }

  SimulatedRun& run;
  test_support::FakeBlackboard board;
  Adapter<Job> job;
  Session session;
  Finisher finisher;
  std::unique_ptr<Reducer> reducer;
  std::vector<std::string> said;
  int rendered = 0;
};

// The other ranks: they hand in nodes, right or damaged, and fail.
struct Others {
  explicit Others(SimulatedRun& of) : run(of) {
    Caller caller;
    caller.worker = "others";
    run.board().join(caller, "{}", -1, "");
  }
  Caller caller() { return {"others", 1, ++number, {}, 0}; }
  void commit(const std::vector<Node>& nodes) {
    std::vector<Entry> entries;
    for (const auto& node : nodes) entries.push_back({node, frame_of(*job, node)});
    ASSERT_THAT(run.board().commit(caller(), {}, entries).refused, IsEmpty());
  }
  void fail(std::uint64_t chunk) {
    run.with([&](FakeRun& r) { r.workers.at("others").held = {{chunk, chunk + 1}}; });
    ASSERT_TRUE(run.board().fail(caller(), {chunk, "bad"}, 0).for_good);
  }

  SimulatedRun& run;
  std::uint64_t number = 0;
  std::shared_ptr<Adapter<Trace>> job = support::trace_job(run.arguments);
};

const std::function<void(RunSpec&)> no_retries = [](RunSpec& spec) { spec.retries = 0; };

std::string result_of(const SimulatedRun& run, std::uint64_t chunks) {
  return text_of_result(*support::trace_job(run.arguments), run.board().result().value(), chunks);
}

// Any nodes that cover the range, in any order.
void scatter(Node node, std::mt19937& random, std::vector<Node>& nodes) {
  if (node.level == 0 || random() % 3 == 0) {
    nodes.insert(nodes.begin() + static_cast<std::ptrdiff_t>(random() % (nodes.size() + 1)), node);
    return;
  }
  scatter({node.level - 1, 2 * node.index}, random, nodes);
  scatter({node.level - 1, 2 * node.index + 1}, random, nodes);
}

TEST(Reducer, GivesTheBitsOfTheRecursionInWhateverOrderNodesCome) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    const std::uint64_t chunks = 1 + random() % 70;
    SimulatedRun run(chunks);
    Leader leader(run, "leader", {.fold_seconds = 0.1, .fold_nodes = 1 + random() % 8});
    Others others(run);
    std::vector<Node> nodes;
    for (const auto& node : cover({0, chunks})) scatter(node, random, nodes);
    for (const auto& node : nodes) {
      others.commit({node});
      if (random() % 2 == 0) leader.step();
      run.advance(0.05);
    }
    leader.play();
    ASSERT_EQ(leader.outcome().kind, Outcome::Kind::finished) << "seed " << seed;
    ASSERT_EQ(leader.outcome().exit, Exit::complete);
    ASSERT_EQ(result_of(run, chunks), traced_without(chunks, {})) << "seed " << seed;
    ASSERT_EQ(leader.rendered, 1);
    ASSERT_EQ(run.board().state()->state, "done");
    ASSERT_EQ(run.board().state()->fields.at("by"), "test");
  }
}

TEST(Reducer, DoesNothingWhenItDoesNotLead) {
  SimulatedRun run(1);
  Leader leader(run, "leader"), other(run, "other");
  Others(run).commit({{0, 0}});
  const auto before = run.server->calls();
  EXPECT_GT(other.step(), 0);
  EXPECT_EQ(run.server->calls(), before);
}

TEST(Reducer, FoldsWhatItMergedFromTimeToTime) {
  SimulatedRun run(64);
  Leader leader(run, "leader", {.fold_seconds = 3, .fold_nodes = 4});
  Others others(run);
  others.commit({{0, 0}, {0, 1}, {0, 2}, {0, 3}, {0, 5}, {1, 4}});
  leader.step();
  EXPECT_EQ(run.server->calls("fold"), 0U) << "not yet";
  run.advance(3.1);
  leader.step();
  EXPECT_EQ(run.server->calls("fold"), 1U);
  EXPECT_THAT(run.board().nodes(), ElementsAre(Node{0, 5}, Node{1, 4}, Node{2, 0}));
  EXPECT_THAT(run.board().frames({{2, 0}}), ElementsAre(frame_of(*others.job, {2, 0})));
  run.advance(10);
  others.commit({{0, 4}, {1, 3}});  // and merge four nodes with what was folded
  leader.step();
  EXPECT_EQ(run.server->calls("fold"), 2U);
  EXPECT_THAT(run.board().nodes(), ElementsAre(Node{1, 4}, Node{3, 0}));
  run.advance(10);
  others.commit({{1, 5}});
  leader.step();
  EXPECT_EQ(run.server->calls("fold"), 2U) << "two nodes are not worth a fold";
  EXPECT_EQ(run.server->calls("frames"), 4U) << "each node is read once; one call was ours";
}

TEST(Reducer, ReadsAgainWhenTheReplyToAFoldIsLostOrAnotherLeaderFolded) {
  for (const std::string trouble : {"reply", "request", "stale", "other"}) {
    SimulatedRun run(8);
    Leader leader(run, "leader", {.fold_seconds = 0, .fold_nodes = 2});
    Others others(run);
    others.commit({{0, 0}, {0, 1}, {0, 3}});
    run.advance(1);
    if (trouble == "reply") run.server->lose_next_reply("fold");
    if (trouble == "request") run.server->lose_next_request("fold");
    if (trouble == "stale") run.server->refuse_next(Refusal::stale, "fold");
    try {
      leader.step();
      EXPECT_TRUE(trouble == "stale" || trouble == "other");
    } catch (const BoardLost&) {
      EXPECT_TRUE(trouble == "reply" || trouble == "request");
    }
    others.commit({{0, 2}});
    if (trouble == "other") {
      run.with([&](FakeRun& r) {
        r.nodes = {{Node{2, 0}, frame_of(*others.job, {2, 0})}};
      });
    }
    leader.step();
    others.commit({{2, 1}});
    leader.play();
    EXPECT_EQ(leader.outcome().kind, Outcome::Kind::finished) << trouble;
    EXPECT_EQ(result_of(run, 8), traced_without(8, {})) << trouble;
  }
}

TEST(Reducer, RejectsADamagedNodeAndWaitsForItsChunks) {
  SimulatedRun run(8);
  Leader leader(run, "leader");
  Others others(run);
  others.commit({{2, 0}, {1, 2}, {1, 3}});
  run.with([](FakeRun& r) { r.nodes.at({1, 2}).back() ^= 1; });
  for (int i = 0; i < 5; ++i) leader.step();
  EXPECT_FALSE(leader.session.over());
  EXPECT_EQ(leader.rendered, 0) << "no result without the chunks that were rejected";
  EXPECT_EQ(run.server->calls("reject"), 1U);
  EXPECT_THAT(leader.said, ElementsAre(HasSubstr("the stored partial of chunks 4 to 5 cannot be read")));
  EXPECT_EQ(run.board().state()->done, 6U);
  EXPECT_EQ(run.with([](FakeRun& r) { return r.pool; }), test_support::Ranges({{4, 6}}));
  others.commit({{0, 5}, {0, 4}});
  leader.play();
  EXPECT_EQ(result_of(run, 8), traced_without(8, {}));
}

TEST(Reducer, MergesWhatThereIsWhenChunksFailed) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    const std::uint64_t chunks = 2 + random() % 40;
    SimulatedRun run(chunks, 1, {}, no_retries);
    Leader leader(run, "leader", {.fold_seconds = 0, .fold_nodes = 2});
    Others others(run);
    std::set<std::uint64_t> failed{random() % chunks, random() % chunks};
    for (auto chunk : failed) others.fail(chunk);
    for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
      if (failed.contains(chunk)) continue;
      others.commit({{0, chunk}});
      run.advance(0.1);
      leader.step();
    }
    leader.play();
    if (failed.size() == chunks) continue;
    ASSERT_EQ(leader.outcome().exit, Exit::partial);
    ASSERT_EQ(result_of(run, chunks - failed.size()), traced_without(chunks, failed)) << "seed " << seed;
    ASSERT_EQ(run.board().state()->state, "partial");
    ASSERT_FALSE(run.board().nodes().empty()) << "a rerun starts from them";
  }
}

TEST(Reducer, AllChunksMayFail) {
  SimulatedRun run(2, 1, {}, no_retries);
  Leader leader(run, "leader");
  Others others(run);
  others.fail(0);
  others.fail(1);
  leader.play();
  EXPECT_EQ(leader.outcome().kind, Outcome::Kind::finished);
  EXPECT_EQ(leader.outcome().exit, Exit::partial);
  EXPECT_EQ(run.board().result(), "");
  EXPECT_EQ(leader.rendered, 0);
}

TEST(Reducer, AnEmptyPlanGivesWhatTheJobCallsEmpty) {
  SimulatedRun run(0);
  Leader<WithEmpty> leader(run, "leader");
  leader.play();
  EXPECT_EQ(leader.outcome().exit, Exit::complete);
  EXPECT_EQ(result_of(run, 0), "nothing");
}

TEST(Reducer, AnEmptyPlanOfAJobWithoutEmptyIsBadUsage) {
  SimulatedRun run(0);
  Leader leader(run, "leader");
  leader.play();
  EXPECT_EQ(leader.outcome().kind, Outcome::Kind::failed);
  EXPECT_EQ(leader.outcome().exit, Exit::usage);
  EXPECT_EQ(run.board().state()->state, "failed");
  EXPECT_EQ(run.board().state()->fields.at("exit"), "2");
}

TEST(Reducer, FinishesAgainWhenTheRequestWasLostOrStale) {
  for (const bool lost : {false, true}) {
    SimulatedRun run(3);
    Leader leader(run, "leader");
    Others(run).commit({{1, 0}, {0, 2}});
    if (lost) {
      run.server->lose_next_request("finish");
      EXPECT_THROW(leader.step(), BoardLost);
    } else {
      run.server->refuse_next(Refusal::stale, "finish");
      leader.step();
    }
    EXPECT_FALSE(leader.session.over());
    leader.play();
    EXPECT_EQ(leader.outcome().kind, Outcome::Kind::finished);
    EXPECT_EQ(result_of(run, 3), "((0 1) 2)");
  }
}

TEST(Reducer, SeesTheEndWhenTheReplyToFinishIsLost) {
  SimulatedRun run(3);
  Leader leader(run, "leader");
  Others(run).commit({{1, 0}, {0, 2}});
  run.server->lose_next_reply("finish");
  EXPECT_THROW(leader.step(), BoardLost);
  leader.play();
  EXPECT_EQ(leader.outcome().kind, Outcome::Kind::ended) << "the board has the result";
  EXPECT_EQ(result_of(run, 3), "((0 1) 2)");
  EXPECT_EQ(run.server->calls("finish"), 1U);
}

TEST(Reducer, AnotherLeaderGoesOnFromTheBoard) {
  SimulatedRun run(16);
  Leader first(run, "first", {.fold_seconds = 0, .fold_nodes = 2});
  Leader second(run, "second", {.fold_seconds = 0, .fold_nodes = 2});
  Others others(run);
  others.commit({{0, 0}, {0, 1}, {2, 1}, {2, 2}});
  run.advance(1);
  first.step();
  ASSERT_THAT(run.board().nodes(), Contains(Node{1, 0}));
  others.commit({{1, 1}});
  ASSERT_EQ(run.board().reap(1, "first", std::nullopt, Blame::none), Refusal::none);
  second.session.set_leader(run.board().renew("second", 1, false, "").leader);
  ASSERT_TRUE(second.session.leading());
  second.step();
  others.commit({{2, 3}});
  first.step();  // it does not know yet, and may not finish
  EXPECT_FALSE(run.board().result());
  second.play();
  EXPECT_EQ(second.outcome().kind, Outcome::Kind::finished);
  EXPECT_EQ(result_of(run, 16), traced_without(16, {}));
  first.play();
  EXPECT_EQ(first.outcome().kind, Outcome::Kind::ended);
}

TEST(Reducer, MakesRoomAtOnceWhenTheBoardIsFullOrLiftsTheLimit) {
  SimulatedRun run(64, 1, {}, [](RunSpec& spec) { spec.node_limit = 4; });
  Leader leader(run, "leader");
  Others others(run);
  others.commit({{0, 0}, {0, 1}, {0, 4}, {0, 8}});
  leader.step();
  EXPECT_THAT(run.board().nodes(), SizeIs(3));
  others.commit({{0, 12}});
  leader.step();
  EXPECT_EQ(run.board().state()->fields.at("node_limit"), "8") << "nothing to merge";
}

TEST(Reducer, AReduceThatThrowsEndsTheRunForAll) {
  SimulatedRun run(4);
  Leader<Breaking> leader(run, "leader");
  Others(run).commit({{0, 0}, {0, 1}});
  leader.play();
  EXPECT_EQ(leader.outcome().kind, Outcome::Kind::failed);
  EXPECT_EQ(leader.outcome().exit, Exit::defect);
  EXPECT_THAT(run.board().state()->fields.at("error"), HasSubstr("bad merge"));
  EXPECT_EQ(run.board().state()->fields.at("exit"), "70");
}

TEST(Reducer, LeavesARunOfAnotherGenerationAlone) {
  SimulatedRun run(2);
  Leader leader(run, "leader");
  ASSERT_EQ(run.board().end(1, 70, "bad"), Refusal::none);
  ASSERT_EQ(run.board().create(run.with([](FakeRun& r) { return r.spec; }), false, false).state.generation, 2U);
  run.with([](FakeRun& r) {
    r.nodes[{1, 0}] = "of another type";
    r.done = {true, true};
    r.done_count = 2;
  });
  leader.play();
  EXPECT_EQ(leader.outcome().exit, Exit::board);
  EXPECT_THAT(run.board().nodes(), SizeIs(1));
}

// What somebody wrote on the board by hand: each is mended, or ends the run with a sentence; none gives a result.
TEST(ReducerTest, AChunkThatIsBothDoneAndFailedIsMended) {
  SimulatedRun run(4, 1, {}, no_retries);
  Leader leader(run, "leader");
  Others others(run);
  others.commit({{2, 0}});
  run.with([](FakeRun& r) { r.failures[1] = "{}"; });
  leader.play();
  EXPECT_EQ(leader.outcome().kind, Outcome::Kind::finished);
  EXPECT_EQ(leader.outcome().exit, Exit::complete);
}

TEST(ReducerTest, AnotherNumberOfChunksOnTheBoardEndsTheRank) {
  SimulatedRun run(4, 1, {}, no_retries);
  Leader leader(run, "leader");
  leader.session.plan_chunks = 4;
  leader.session.run = "R";
  run.with([](FakeRun& r) { r.spec.chunks = 3; });
  try {
    leader.step();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::damaged);
    EXPECT_STREQ(error.what(), "the record of run R is damaged (it says 3 chunks, and its plan has 4); --fresh begins anew, "
                               "other runs are not touched");
  }
}

TEST(ReducerTest, ANodeThatCannotBeReadHoweverOftenItIsComputedEndsTheRank) {
  SimulatedRun run(1, 1, {}, no_retries);
  Leader leader(run, "leader");
  leader.session.run = "R";
  Others others(run);
  const auto play = [&] {
    for (int i = 0; i < 40; ++i) {
      if (!run.with([](FakeRun& r) { return r.nodes.contains({0, 0}); })) others.commit({{0, 0}});
      run.with([](FakeRun& r) { r.nodes[{0, 0}] = "no frame"; });
      leader.step();
    }
  };
  EXPECT_THROW(play(), Error);
}

}  // namespace
}  // namespace stint
