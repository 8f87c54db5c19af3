// SPDX-License-Identifier: Apache-2.0
// A Blackboard with a hook at every step between the engine and the board: before the request leaves, after the server
// has run it but before the reply comes, and after the reply. There a test loses things, lets them come late, or kills.
#pragma once

#include "blackboard/blackboard.hpp"

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace stint::test_support {

enum class Fate {
  well,           ///< nothing happens
  lose_request,   ///< the server never sees it
  lose_reply,     ///< it happens, and the caller does not know
  late,           ///< it happens some time later; the caller believes it lost
  die_before,     ///< the worker dies before it is sent
  die_unknowing,  ///< the worker dies after it happened, before the reply
  die_knowing,    ///< the worker dies with the reply in hand
};

/// Thrown out of a step of the engine: the worker is dead, and nothing of it may move again.
struct Died {};

class HookedBoard final : public Blackboard {
 public:
  using Hook = std::function<Fate(const std::string& step)>;
  using Later = std::function<void(std::function<void()>)>;  ///< takes what is to happen late
  using After = std::function<void(const std::string& step)>;  ///< the server has run it, and its reply is here

  HookedBoard(std::shared_ptr<Blackboard> board, Hook hook, Later later, After after = [](const std::string&) {})
      : board_(std::move(board)), hook_(std::move(hook)), later_(std::move(later)), after_(std::move(after)) {}

  Joined create(const RunSpec& spec, bool fresh, bool accept) override {
    return step("create", [=](Blackboard& b) { return b.create(spec, fresh, accept); });
  }
  Joined join(const Caller& caller, const std::string& who, std::int64_t slot, const std::string& program) override {
    return step("join", [=](Blackboard& b) { return b.join(caller, who, slot, program); });
  }
  Claimed claim(const Caller& caller, const ClaimWish& wish) override {
    return step("claim", [=](Blackboard& b) { return b.claim(caller, wish); });
  }
  Committed commit(const Caller& caller, const Work& work, const std::vector<Entry>& entries) override {
    return step("commit", [=](Blackboard& b) { return b.commit(caller, work, entries); });
  }
  Failed fail(const Caller& caller, const Failure& failure, double delay) override {
    return step("fail", [=](Blackboard& b) { return b.fail(caller, failure, delay); });
  }
  Refusal end(std::uint64_t generation, int exit_code, const std::string& error) override {
    return step("end", [=](Blackboard& b) { return b.end(generation, exit_code, error); });
  }
  Renewed renew(const std::string& worker, std::uint64_t generation, bool computes, const std::string& at_work) override {
    return step("renew", [=](Blackboard& b) { return b.renew(worker, generation, computes, at_work); });
  }
  Refusal reap(std::uint64_t generation, const std::string& worker, std::optional<std::uint64_t> beat,
               Blame blame) override {
    return step("reap", [=](Blackboard& b) { return b.reap(generation, worker, beat, blame); });
  }
  Refusal leave(const Caller& caller, const std::string& died = "") override {
    return step("leave", [=](Blackboard& b) { return b.leave(caller, died); });
  }
  Refusal fold(const std::string& worker, std::uint64_t generation, const std::vector<Node>& removed,
               const std::vector<Entry>& put, bool lift) override {
    return step("fold", [=](Blackboard& b) { return b.fold(worker, generation, removed, put, lift); });
  }
  std::pair<Refusal, bool> mend(const std::string& worker, std::uint64_t generation) override {
    return step("mend", [=](Blackboard& b) { return b.mend(worker, generation); });
  }
  Refusal reject(std::uint64_t generation, Node node, const std::string& frame) override {
    return step("reject", [=](Blackboard& b) { return b.reject(generation, node, frame); });
  }
  Refusal finish(const Finish& finish) override {
    return step("finish", [=](Blackboard& b) { return b.finish(finish); });
  }
  Refusal halt(const Halted& halted) override {
    return step("halt", [=](Blackboard& b) { return b.halt(halted); });
  }
  Refusal cancel() override {
    return step("cancel", [](Blackboard& b) { return b.cancel(); });
  }
  Revived rerun(const RerunWish& wish) override {
    return step("rerun", [=](Blackboard& b) { return b.rerun(wish); });
  }

  std::optional<RunState> state() override {
    return step("state", [](Blackboard& b) { return b.state(); });
  }
  std::string plan() override {
    return step("plan", [](Blackboard& b) { return b.plan(); });
  }
  std::vector<Node> nodes() override {
    return step("nodes", [](Blackboard& b) { return b.nodes(); });
  }
  std::vector<std::string> frames(const std::vector<Node>& nodes) override {
    return step("frames", [=](Blackboard& b) { return b.frames(nodes); });
  }
  std::map<std::string, std::string> workers() override {
    return step("workers", [](Blackboard& b) { return b.workers(); });
  }
  std::optional<std::string> who(const std::string& worker) override {
    return step("who", [=](Blackboard& b) { return b.who(worker); });
  }
  std::map<std::uint64_t, std::string> failures() override {
    return step("failures", [](Blackboard& b) { return b.failures(); });
  }
  std::optional<std::string> result() override {
    return step("result", [](Blackboard& b) { return b.result(); });
  }

  /// The worker got its reply and dies before it does anything else on the board.
  bool dies = false;

 private:
  template <class Act>
  std::invoke_result_t<Act, Blackboard&> step(const std::string& name, Act act) {
    if (dies) throw Died{};
    const Fate fate = hook_(name);
    if (fate == Fate::die_before) throw Died{};
    if (fate == Fate::lose_request) throw BoardLost("the request '" + name + "' was lost");
    if (fate == Fate::late) {
      later_([act, board = board_] { act(*board); });
      throw BoardLost("the request '" + name + "' is late");
    }
    auto answer = act(*board_);
    after_(name);
    if (fate == Fate::die_unknowing) throw Died{};
    if (fate == Fate::lose_reply) throw BoardLost("the reply to '" + name + "' was lost");
    dies = fate == Fate::die_knowing;
    return answer;
  }

  const std::shared_ptr<Blackboard> board_;
  const Hook hook_;
  const Later later_;
  const After after_;
};

}  // namespace stint::test_support
