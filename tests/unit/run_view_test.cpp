// SPDX-License-Identifier: Apache-2.0
// What a user who looks on is told of a run: its state, its ranks, its times.
#include "cli/run_view.hpp"

#include <gtest/gtest.h>

namespace stint {
namespace {

RunState run_in(const std::string& state, std::map<std::string, std::string> fields = {}) {
  RunState run;
  run.state = state;
  run.fields = std::move(fields);
  return run;
}

TEST(StateSeenTest, FollowsFromTheBoardAndFromWhetherAnybodyComputes) {
  struct Case {
    const char* board;
    std::map<std::string, std::string> fields;
    bool anybody;
    const char* seen;
  };
  for (const auto& each : std::vector<Case>{
           {"running", {}, true, "running"},
           {"running", {}, false, "interrupted"},
           {"running", {{"halting", "soon"}}, true, "running"},
           {"running", {{"halting", "soon"}}, false, "halted"},
           {"cancelled", {}, false, "cancelled"},
           {"cancelled", {{"halting", "now"}}, false, "cancelled"},  // by its user, while it halted
           {"cancelled", {{"halting", "now"}, {"exit", "1"}}, false, "halted"},
           {"failed", {{"exit", "70"}}, false, "failed"},
           {"partial", {}, false, "partial"},
           {"done", {}, false, "done"},
       }) {
    EXPECT_EQ(state_seen(run_in(each.board, each.fields), each.anybody), each.seen) << each.board;
    EXPECT_NE(std::string(states_seen).find(each.seen), std::string::npos);
  }
}

Whereabouts on_another_host() {
  auto there = Whereabouts::here();
  there.host = "elsewhere";
  there.rank = 3;
  there.threads = 4;
  return there;
}

TEST(WorkerViewTest, TellsWhatItsLastHeartbeatSaid) {
  const auto view = worker_view("elsewhere/3.0a", on_another_host().json(),
                                R"(100.5;{"done":7,"running":2,"oldest":1.5,"chunks":[{"chunk":9,"seconds":1.5,"what":"pid 8"}]})",
                                102.5, 2, Whereabouts::here());
  EXPECT_EQ(view.host, "elsewhere");
  EXPECT_EQ(view.rank, 3);
  EXPECT_EQ(view.threads, 4);
  EXPECT_TRUE(view.lives);
  EXPECT_DOUBLE_EQ(view.heartbeat_age, 2);
  EXPECT_EQ(view.done, 7U);
  EXPECT_EQ(view.running, 2U);
  ASSERT_EQ(view.chunks.size(), 1U);
  EXPECT_EQ(view.chunks[0].chunk, 9U);
  EXPECT_DOUBLE_EQ(view.chunks[0].seconds, 3.5);
  EXPECT_EQ(view.chunks[0].what, "pid 8");
}

TEST(WorkerViewTest, LivesAsLongAsItsHeartbeatIsYoungerThanItsLease) {
  const auto here = Whereabouts::here();
  auto there = on_another_host();
  const auto lives = [&](const std::string& told, std::uint64_t workers = 2) {
    return worker_view("elsewhere/3.0a", there.json(), told, 100, workers, here).lives;
  };
  EXPECT_TRUE(lives("91;"));
  EXPECT_FALSE(lives("89;"));
  EXPECT_TRUE(lives("")) << "a board of an older Stint: nothing is known";
  EXPECT_TRUE(lives("89;", 10'000)) << "thousands are given more time";
  there.lease = 2;
  EXPECT_FALSE(lives("97;"));
  EXPECT_FALSE(worker_view("elsewhere/3.0a", "rubbish", "80;[", 100, 2, here).lives);
}

TEST(WorkerViewTest, LeavesOutWhatIsDamaged) {
  const auto here = Whereabouts::here();
  for (const auto* who : {"", "[1]", "7", R"({"rank":"3"})", R"({"rank":1e300,"pid":1e300,"threads":-1e300,"guest":1,"lease":"x"})"}) {
    const auto view = worker_view("h/0.a", who, "100;", 100, 1, here);
    EXPECT_EQ(view.rank, 0) << who;
    EXPECT_EQ(view.pid, 0) << who;
    EXPECT_FALSE(view.guest) << who;
  }
  for (const auto* told : {"100;{", "100;[1]", R"(100;{"done":"7"})", R"(100;{"done":1e300,"running":[],"oldest":"1","chunks":7})",
                           R"(100;{"chunks":[1,{"chunk":"9","seconds":[],"what":5}]})"}) {
    const auto view = worker_view("h/0.a", here.json(), told, 100, 1, here);
    EXPECT_EQ(view.done, 0U) << told;
    for (const auto& each : view.chunks) EXPECT_EQ(each.what, "") << told;
  }
  EXPECT_EQ(worker_view("h/0.a", here.json(), R"(100;{"done":"x","running":2})", 100, 1, here).running, 2U);
}

TEST(WorkerViewTest, IsLostAtOnceWhenItsProcessOnThisHostIsGone) {
  const auto here = Whereabouts::here();
  EXPECT_TRUE(worker_view("h/0.a", here.json(), "100;", 100, 1, here).lives);
  auto gone = here;
  gone.start += 1;  // the pid was given to another process
  EXPECT_FALSE(worker_view("h/0.a", gone.json(), "100;", 100, 1, here).lives);
  EXPECT_TRUE(known_alive(here.json(), here));
  EXPECT_FALSE(known_alive(gone.json(), here));
  EXPECT_FALSE(known_alive(on_another_host().json(), here));
  EXPECT_FALSE(known_alive("", here));
}

TEST(RunViewTest, TheOldestAtWorkIsOneOfALivingRank) {
  const auto here = Whereabouts::here();
  const std::string told = R"({"done":1,"running":1,"oldest":3.0,"chunks":[{"chunk":4,"seconds":3.0,"what":""}]})";
  auto gone = here;
  gone.start += 1;
  RunView view;
  EXPECT_LT(view.oldest(), 0);
  view.workers = {worker_view("h/0.a", here.json(), "99;" + told, 100, 2, here), worker_view("h/1.b", gone.json(), "95;" + told, 100, 2, here)};
  EXPECT_DOUBLE_EQ(view.oldest(), 4);
}

TEST(WorkerViewTest, IsGoneOnlyIfItCannotComeBack) {
  const auto here = Whereabouts::here();
  const auto gone = [&](const Whereabouts& where, const std::string& told) {
    return worker_view("h/0.a", where.json(), told, 200, 1, here).gone;
  };
  EXPECT_FALSE(gone(here, "100;")) << "stopped: its process is there";
  EXPECT_FALSE(gone(on_another_host(), "185;")) << "silent for a lease alone";
  EXPECT_TRUE(gone(on_another_host(), "130;"));
  EXPECT_FALSE(gone(on_another_host(), "")) << "nothing is known";
  auto dead = here;
  dead.start += 1;
  EXPECT_TRUE(gone(dead, "200;"));
}

TEST(RunViewTest, TakesTimeAndRateFromTheCallThatComputes) {
  RunView view{run_in("running", {{"call_begun", "100"}, {"call_done", "40"}, {"last_end", "118"}, {"seconds", "3"}}), "running", 120, 0};
  for (const auto* field : {"left", "finished"}) {
    const RunView ended{run_in("running", {{"call_begun", "100"}, {field, "107"}}), "interrupted", 120, 0};
    EXPECT_DOUBLE_EQ(ended.elapsed(), 7) << field;
  }
  view.run.done = 80;
  EXPECT_DOUBLE_EQ(view.elapsed(), 20);
  EXPECT_DOUBLE_EQ(view.rate(), 2);
  view.state = "interrupted";
  EXPECT_DOUBLE_EQ(view.elapsed(), 18);
  view.heard = 119;
  EXPECT_DOUBLE_EQ(view.elapsed(), 19) << "a rank was heard after the last chunk had ended";
  EXPECT_DOUBLE_EQ(view.last_sign(), 119);
  view.state = "done";
  EXPECT_DOUBLE_EQ(view.elapsed(), 3);
  view.run.fields.clear();
  EXPECT_LT(view.elapsed(), 0);
  EXPECT_LT(view.rate(), 0);
}

TEST(RunViewTest, JsonNamesWhatIsNotKnownAsNull) {
  const auto json = run_json({run_in("running", {{"run", "r"}, {"created", "5"}}), "interrupted", 9, 0}, "pi");
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["state"], "interrupted");
  EXPECT_EQ(json["what"], "pi");
  EXPECT_TRUE(json["elapsed"].is_null());
  EXPECT_EQ(json["ranks"], 0);
}

}  // namespace
}  // namespace stint
