// SPDX-License-Identifier: Apache-2.0
// Random histories: a handful of workers claim, commit, fail, pause, die, come back, lose requests and replies; a
// leader folds, rejects and lifts; the run ends, is opened anew, and the server loses its last second. Each step goes
// to the fake and to a real Redis alike. After each step the rules of 'Truth and hints' must hold on both, and both
// must have answered the same and look the same. In the end all faults stop and the run must come to its end.
//
//   STINT_HISTORIES=1000 …  runs more of them    STINT_HISTORY_SEED=7 …  runs this one alone
#include "contract/board_test.hpp"
#include "contract/in_words.hpp"

#include <cmath>
#include <cstdlib>
#include <random>
#include <sstream>

namespace stint::test_support {
namespace {

constexpr double lease = 105;  // never met exactly by the times that pass, so that the two clocks agree

struct Actor {
  Caller caller;                ///< its generation is the fake's
  std::vector<Entry> pending;   ///< computed, perhaps sent, not yet answered; their chunks are in `held`
  std::vector<Entry> long_ago;  ///< what it sent before
};

class History {
 public:
  History(std::uint64_t seed, Boards& fake_side, Boards& redis_side)
      : random_(seed), fake_(fake_side), redis_(redis_side), boards_{fake_.open("run"), redis_.open("run")} {
    spec_ = spec_of(1 + pick(pick(2) == 0 ? 40 : 400), 1 + pick(6));
    spec_.retries = static_cast<std::uint32_t>(pick(4));
    spec_.node_limit = pick(3) == 0 ? 8 + pick(30) : 8192;
    if (pick(3) == 0) {
      spec_.profile = {0};
      const auto steps = 1 + pick(spec_.chunks);
      for (std::uint64_t step = 0; step < steps; ++step) {
        spec_.profile.push_back(spec_.profile.back() + (pick(9) == 0 ? 100.5 : 0.125 + static_cast<double>(pick(8))));
      }
    }
  }

  /// Empty when all went well.
  std::string run(int steps) {
    create(false);
    for (int worker = 0; worker < 3; ++worker) join();
    for (int step = 0; step < steps && fault_.empty(); ++step) one_step();
    if (fault_.empty()) come_to_an_end();
    return fault_.empty() ? fault_ : fault_ + "\n" + in_words(fake_.look(spec_)) + log_.str();
  }

 private:
  std::uint64_t pick(std::uint64_t below) {
    return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random_);
  }
  bool once_in(std::uint64_t times) { return pick(times) == 0; }
  Actor& any() { return actors_[pick(actors_.size())]; }

  std::uint64_t on_redis(std::uint64_t generation) {
    const auto known = generations_.find(generation);
    return known == generations_.end() ? 1 : known->second;
  }

  /// Sends one step to both, compares the answers, checks both boards. `act(board, generation on that board)`.
  template <class Act>
  auto both(const std::string& what, std::uint64_t generation, Act act) {
    fake_.advance(1e-4);
    redis_.advance(1e-4);
    auto answer = act(*boards_[0], generation);
    const auto other = act(*boards_[1], on_redis(generation));
    log_ << what << " -> " << in_words(answer) << '\n';
    if (in_words(answer) != in_words(other)) fail_with(what + ": Redis answered " + in_words(other));
    check(what);
    return answer;
  }

  void fail_with(const std::string& text) {
    if (fault_.empty()) fault_ = text;
  }

  void check(const std::string& what) {
    const auto a = fake_.look(spec_), b = redis_.look(spec_);
    if (a.run.state != "running" && b.run.state == a.run.state) return;
    if (const auto broken = broken_rule(a, spec_); !broken.empty())
      fail_with("on the fake after " + what + ": " + broken);
    if (const auto broken = broken_rule(b, spec_); !broken.empty()) fail_with("on Redis after " + what + ": " + broken);
    const auto same = [&](bool is, const char* name) {
      if (!is) fail_with("after " + what + " the two differ in " + name);
    };
    same(a.done == b.done && a.nodes == b.nodes, "what is done");
    same(a.claims == b.claims, "claims");
    auto ours = a.queues, theirs = b.queues;
    ours.try_emplace("-"), theirs.try_emplace("-");
    same(ours == theirs, "queues");
    same(a.slots == b.slots, "slots");
    same(a.delayed == b.delayed && a.failed == b.failed, "delayed or failed chunks");
    same(a.suspects == b.suspects, "suspects");
    same(a.hosts == b.hosts, "hosts");
    same(a.beats == b.beats && a.leader == b.leader, "beats or leader");
    same(a.run.computed == b.run.computed && a.run.again == b.run.again && a.run.steals == b.run.steals &&
             a.run.reaped == b.run.reaped && std::abs(a.run.busy_seconds - b.run.busy_seconds) < 1e-6,
         "counters");
    for (const auto& [worker, load] : a.load) {
      const auto other = b.load.find(worker);
      same(other != b.load.end() && std::abs(load - other->second) <= 1e-9 * load, "load");
    }
  }

  void create(bool accept) {
    const auto ours = boards_[0]->create(spec_, false, accept), theirs = boards_[1]->create(spec_, false, accept);
    generation_ = ours.state.generation;
    generations_[generation_] = theirs.state.generation;
    log_ << "create -> " << in_words(ours) << '\n';
    if (in_words(ours) != in_words(theirs)) fail_with("create: Redis answered " + in_words(theirs));
    check("create");
  }

  /// On three hosts.
  static std::string name_of(std::uint64_t number) {
    return "h" + std::to_string(number % 3) + "/" + std::to_string(number);
  }

  void join() {
    Actor actor;
    actor.caller.worker = name_of(++names_);
    actor.caller.generation = generation_;
    actor.caller.rate = std::vector{0.0, 0.25, 0.5, 1.0, 4.0}[pick(5)];
    const auto slot = static_cast<std::int64_t>(pick(spec_.slots + 2)) - 1;
    const auto answer = both("join " + actor.caller.worker, generation_, [&](Blackboard& board, std::uint64_t g) {
      auto caller = actor.caller;
      caller.generation = g;
      return board.join(caller, "{}", slot, spec_.program);
    });
    if (answer.refusal == Refusal::none) actors_.push_back(actor);
  }

  /// What a worker does on a refusal that says that it is out.
  bool out(Actor& actor, Refusal refusal) {
    if (refusal != Refusal::fenced && refusal != Refusal::gone) return false;
    actor = actors_.back();
    actors_.pop_back();
    join();
    return true;
  }

  Caller sent(const Actor& actor, std::uint64_t generation) {
    auto caller = actor.caller;
    caller.generation = generation;
    return caller;
  }

  void claim(Actor& actor, bool faults = true) {
    ++actor.caller.number;
    if (faults && once_in(20)) return;  // the request was lost
    const ClaimWish wish{.cost = static_cast<double>(pick(20)),
                         .least = 1 + pick(3),
                         .least_steal = once_in(4) ? 2.0 : 0.0,
                         .lease = lease,
                         .steal = !once_in(5),
                         .copy_after = once_in(2) ? 50.0 : -1.0};
    const auto answer = both("claim " + actor.caller.worker, actor.caller.generation,
                             [&](Blackboard& board, std::uint64_t g) { return board.claim(sent(actor, g), wish); });
    if (faults && once_in(10)) {
      log_ << "  its reply was lost\n";
      return;
    }
    if (out(actor, answer.refusal)) return;
    if (answer.range) actor.caller.held.push_back(*answer.range);
    if (answer.refusal == Refusal::full && faults) lift_or_fold(true);
  }

  static void drop(Ranges& held, Range range) {
    Ranges rest;
    for (const auto each : held) {
      if (const Range left{each.first, std::min(each.last, range.first)}; !left.empty()) rest.push_back(left);
      if (const Range right{std::max(each.first, range.last), each.last}; !right.empty()) rest.push_back(right);
    }
    held = rest;
  }

  bool pending_has(const Actor& actor, Node node) const {
    for (const auto& entry : actor.pending) {
      if (entry.node.first() < node.last() && node.first() < entry.node.last()) return true;
    }
    return false;
  }

  void compute(Actor& actor, bool faults) {
    for (const auto range : actor.caller.held) {
      for (auto node : cover(range)) {
        if (faults && node.level > 0 && once_in(3)) node = {node.level - 1, node.index * 2 + pick(2)};  // a part of it
        if ((faults && once_in(3)) || pending_has(actor, node)) continue;
        actor.pending.push_back({node, faults && once_in(30) ? "damaged by " + actor.caller.worker : frame_of(node)});
      }
    }
  }

  void commit(Actor& actor, bool faults = true) {
    compute(actor, faults);
    const auto before = actor.caller.held;
    for (const auto& entry : actor.pending) drop(actor.caller.held, entry.node.range());
    if (faults && once_in(20) && !actor.caller.held.empty()) actor.caller.held.pop_back();  // gives some up
    ++actor.caller.number;
    const bool lost = faults && once_in(10);
    Committed answer;
    if (!lost || once_in(2)) {
      const Work work{actor.pending.size(), 0.25 * static_cast<double>(actor.pending.size()), -1};
      answer = both("commit " + actor.caller.worker, actor.caller.generation, [&](Blackboard& board, std::uint64_t g) {
        return board.commit(sent(actor, g), work, actor.pending);
      });
    }
    if (lost) {
      log_ << "  which was lost, or its reply\n";
      actor.caller.held = before;
      return;
    }
    actor.long_ago = std::exchange(actor.pending, {});
    out(actor, answer.refusal);
  }

  void old_commit(Actor& actor) {
    auto late = actor;
    if (once_in(2)) late.caller.number -= std::min<std::uint64_t>(late.caller.number, pick(3));
    if (once_in(3)) late.caller.worker = name_of(1 + pick(names_));
    late.caller.held = once_in(2) ? actor.caller.held : Ranges{};
    if (once_in(2)) {  // somebody who was given up long ago, and knows another part of the plan
      const auto level = static_cast<unsigned>(pick(5));
      const Node node{level, pick((spec_.chunks >> level) + 1)};
      late.long_ago = {{node, frame_of(node)}};
    }
    both("late commit " + late.caller.worker, late.caller.generation,
         [&](Blackboard& board, std::uint64_t g) { return board.commit(sent(late, g), {}, late.long_ago); });
  }

  void fail(Actor& actor) {
    if (actor.caller.held.empty()) return;
    const auto range = actor.caller.held[pick(actor.caller.held.size())];
    const auto chunk = range.first + pick(range.size());
    if (pending_has(actor, {0, chunk})) return;
    drop(actor.caller.held, {chunk, chunk + 1});
    ++actor.caller.number;
    const double delay = std::vector{0.0, 50.0, 1010.0}[pick(3)];
    const bool crash = once_in(4);
    const std::string error = once_in(3) ? "another error" : "error";
    const auto answer = both("fail " + actor.caller.worker + " chunk " + std::to_string(chunk), actor.caller.generation,
                             [&](Blackboard& board, std::uint64_t g) {
                               return board.fail(sent(actor, g), {chunk, error, crash}, delay);
                             });
    out(actor, answer.refusal);
  }

  void reap() {
    const auto& actor = any();  // it may well be alive, and learn of it later
    std::optional<std::uint64_t> beat;
    if (once_in(2)) beat = 1 + pick(3);
    const auto blame = static_cast<Blame>(pick(3));
    both("reap " + actor.caller.worker, generation_,
         [&](Blackboard& board, std::uint64_t g) { return board.reap(g, actor.caller.worker, beat, blame); });
  }

  /// Workers on the board that nobody is: a server that lost its last second brings them back.
  void reap_ghosts() {
    for (const auto& [worker, beat] : fake_.look(spec_).beats) {
      const auto is = [&](const Actor& actor) { return actor.caller.worker == worker; };
      if (std::ranges::any_of(actors_, is)) continue;
      both("reap " + worker, generation_,
           [&](Blackboard& board, std::uint64_t g) { return board.reap(g, worker, std::nullopt, Blame::none); });
    }
  }

  void leave(Actor& actor) {
    both("leave " + actor.caller.worker, actor.caller.generation,
         [&](Blackboard& board, std::uint64_t g) { return board.leave(sent(actor, g)); });
    actor = actors_.back();
    actors_.pop_back();
    join();
  }

  void renew(Actor& actor) {
    const bool computes = once_in(2);
    const auto answer = both("renew " + actor.caller.worker, actor.caller.generation,
                             [&](Blackboard& board, std::uint64_t g) { return board.renew(actor.caller.worker, g, computes, ""); });
    out(actor, answer.refusal);
  }

  /// Merges some siblings, from what the leader saw some time ago.
  void lift_or_fold(bool lift) {
    if (once_in(2) || lift) seen_ = boards_[0]->nodes();
    std::set<Node> there(seen_.begin(), seen_.end());
    std::vector<Node> removed;
    std::vector<Entry> put;
    for (const auto& node : seen_) {
      if (!node.is_left() || !there.contains(node.sibling()) || once_in(3)) continue;
      removed.insert(removed.end(), {node, node.sibling()});
      put.push_back({node.parent(), frame_of(node.parent())});
    }
    if (once_in(20) && !removed.empty()) removed.pop_back();
    const auto leader = once_in(10) ? any().caller.worker : fake_.look(spec_).leader;
    both("fold by " + leader, generation_,
         [&](Blackboard& board, std::uint64_t g) { return board.fold(leader, g, removed, put, lift); });
  }

  void reject(bool all) {
    for (const auto& [node, frame] : fake_.look(spec_).nodes) {
      const bool damaged = frame.starts_with("damaged");
      if (!damaged && (all || !once_in(100))) continue;
      const auto bytes = damaged ? frame : once_in(2) ? "damaged by nobody" : frame;
      if (!all && once_in(2)) continue;
      both("reject " + node.name(), generation_,
           [&](Blackboard& board, std::uint64_t g) { return board.reject(g, node, bytes); });
    }
  }

  Refusal finish() {
    const auto picture = fake_.look(spec_);
    Finish finish{.generation = 0,
                  .worker = picture.leader,
                  .done = picture.run.done,
                  .failed = picture.run.failed,
                  .used = {},
                  .result = "result",
                  .fields = {}};
    for (const auto& [node, frame] : picture.nodes) finish.used.push_back(node);
    return both("finish", generation_, [&](Blackboard& board, std::uint64_t g) {
      finish.generation = g;
      return board.finish(finish);
    });
  }

  void end_and_reopen() {
    if (once_in(2)) {
      both("end", generation_, [](Blackboard& board, std::uint64_t g) { return board.end(g, 70, "enough"); });
    } else {
      both("cancel", generation_, [](Blackboard& board, std::uint64_t) { return board.cancel(); });
    }
    create(false);
  }

  void rerun() {
    std::vector<Range> chosen;
    if (once_in(2)) chosen = {{0, 1 + pick(spec_.chunks)}};
    both("rerun", generation_,
         [&](Blackboard& board, std::uint64_t) { return board.rerun({.chunks = chosen}); });
  }

  void advance() {
    const double seconds = std::vector{20.0, 200.0}[pick(2)];
    fake_.advance(seconds);
    redis_.advance(seconds);
    log_ << seconds << " seconds pass\n";
  }

  void save_or_roll_back() {
    if (saved_in_ == generation_ && once_in(2)) {
      log_ << "the server loses what came since it was saved\n";
      fake_.roll_back();
      redis_.roll_back();
      saved_in_ = 0;
      check("roll back");
    } else {
      fake_.save();
      redis_.save();
      saved_in_ = generation_;
      log_ << "saved\n";
    }
  }

  void mend() {
    const auto leader = fake_.look(spec_).leader;
    const auto answer = both("mend by " + leader, generation_,
                             [&](Blackboard& board, std::uint64_t g) { return board.mend(leader, g); });
    if (answer.second) fail_with("there was something to mend");
  }

  void one_step() {
    if (once_in(20)) return mend();
    const auto dice = pick(100);
    if (dice < 34) return claim(any());
    if (dice < 64) return commit(any());
    if (dice < 70) return fail(any());
    if (dice < 75) return old_commit(any());
    if (dice < 80) return renew(any());
    if (dice < 83) return reap();
    if (dice < 85) return leave(any());
    if (dice < 90) return lift_or_fold(once_in(5));
    if (dice < 93) return reject(false);
    if (dice < 96) return advance();
    if (dice < 98) return save_or_roll_back();
    if (dice < 99) return actors_.size() < 7 ? join() : create(false);
    if (once_in(4)) return end_and_reopen();
    if (once_in(2)) return rerun();
    if (!complete()) finish();
  }

  bool complete() {
    const auto state = boards_[0]->state();
    return state->done + state->failed == state->chunks;
  }

  void come_to_an_end() {
    log_ << "no more faults\n";
    for (int round = 0; round < 2000 && fault_.empty(); ++round) {
      reject(true);
      if (complete() && fake_.look(spec_).leader.empty()) renew(actors_[0]);
      const auto nodes = fake_.look(spec_).nodes;
      const bool damaged =
          std::ranges::any_of(nodes, [](const auto& node) { return node.second.starts_with("damaged"); });
      if (complete() && !damaged && !fake_.look(spec_).leader.empty()) {
        if (finish() != Refusal::none) fail_with("the run is complete and cannot be finished");
        return;
      }
      for (std::size_t i = 0; i < actors_.size() && fault_.empty(); ++i) {
        claim(actors_[i], false);
        commit(actors_[i], false);
      }
      if (round % 3 == 2) reap();
      reap_ghosts();
      lift_or_fold(round % 4 == 3);
      fake_.advance(200);
      redis_.advance(200);
    }
    fail_with("the run does not come to its end");
  }

  std::mt19937_64 random_;
  Boards& fake_;
  Boards& redis_;
  std::array<std::unique_ptr<Blackboard>, 2> boards_;
  RunSpec spec_;
  std::vector<Actor> actors_;
  std::map<std::uint64_t, std::uint64_t> generations_;  ///< the fake's → Redis's
  std::uint64_t generation_ = 0, saved_in_ = 0;
  std::uint64_t names_ = 0;
  std::vector<Node> seen_;
  std::ostringstream log_;
  std::string fault_;
};

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(HistoryTest, TheRulesHoldAfterEachStepOfRandomHistories) {
  const auto only = number_from("STINT_HISTORY_SEED", 0);
  const auto count = only != 0 ? 1 : number_from("STINT_HISTORIES", 30);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto seed = only != 0 ? only : i + 1;
    const auto fake = fake_boards(), redis = redis_boards();
    const auto fault = History(seed, *fake, *redis).run(150);
    ASSERT_EQ(fault, "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace stint::test_support
