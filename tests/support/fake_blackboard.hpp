// SPDX-License-Identifier: Apache-2.0
// A Blackboard in memory, for tests of what stands above it. One FakeServer is shared by many FakeBlackboards, each the
// handle of one thread; a mutex makes each step one atomic act, as a script is. Faults are switches with names:
//
//   auto server = std::make_shared<FakeServer>();
//   FakeBlackboard board(server, "run");
//   server->lose_next_reply("commit");   // the next commit happens, and then throws BoardLost
//
// Time stands still until a test moves it.
#pragma once

#include "support/fake_run.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>

namespace stint::test_support {

class FakeServer {
 public:
  /// Every call throws BoardLost and does nothing, until `down(false)`.
  void down(bool is = true);
  /// The next call named `step` ("claim", "commit", …; "" is any) takes effect, then throws BoardLost. Calls add up.
  void lose_next_reply(const std::string& step = "");
  /// The next call named `step` throws BoardLost and does nothing.
  void lose_next_request(const std::string& step = "");
  /// The next call named `step` does nothing and answers `refusal`. Not for calls that only read.
  void refuse_next(Refusal refusal, const std::string& step = "");
  /// Every call takes so long, outside the mutex.
  void slow(std::chrono::microseconds delay);

  /// Called at the beginning of every call, with its name, under the mutex: it may let a clock go on. Set before use.
  std::function<void(const std::string&)> on_call = [](const std::string&) {};

  void set_clock(double seconds);
  void advance(double seconds);
  /// Calls named `step` so far, lost ones too; "" is all.
  [[nodiscard]] std::uint64_t calls(const std::string& step = "") const;
  /// Forgets everything, as a server does that comes back empty.
  void lose_all();

  /// Looks at a run, or changes it behind everybody's back: `act(FakeRun&)`. There must be such a run.
  template <class Act>
  auto with(const std::string& run, Act act) {
    const std::lock_guard lock(mutex_);
    return act(runs_.at(run));
  }

 private:
  friend class FakeBlackboard;
  enum class Kind { reply, request, refusal };
  struct Fault {
    Kind kind;
    std::string step;
    Refusal refusal;
  };

  std::optional<Fault> hit(Kind kind, const std::string& step);
  void enter(const std::string& step);
  void leave(const std::string& step);

  mutable std::mutex mutex_;  // guards all below
  std::map<std::string, FakeRun> runs_;
  std::vector<Fault> faults_;
  std::map<std::string, std::uint64_t> calls_;
  std::chrono::microseconds delay_{0};
  double now_ = 1'000'000;
  std::uint64_t generations_ = 0;
  bool down_ = false;
};

class FakeBlackboard final : public Blackboard {
 public:
  FakeBlackboard(std::shared_ptr<FakeServer> server, std::string run)
      : server_(std::move(server)), run_(std::move(run)) {}

  Joined create(const RunSpec& spec, bool fresh, bool accept_program) override;
  Joined join(const Caller& caller, const std::string& who, std::int64_t slot, const std::string& program) override;
  Claimed claim(const Caller& caller, const ClaimWish& wish) override;
  Committed commit(const Caller& caller, const Work& work, const std::vector<Entry>& entries) override;
  Failed fail(const Caller& caller, const Failure& failure, double delay) override;
  Refusal end(std::uint64_t generation, int exit_code, const std::string& error) override;
  Renewed renew(const std::string& worker, std::uint64_t generation, bool computes, const std::string& at_work) override;
  Refusal reap(std::uint64_t generation, const std::string& worker, std::optional<std::uint64_t> beat,
               Blame blame) override;
  Refusal leave(const Caller& caller, const std::string& died = "") override;
  Refusal fold(const std::string& worker, std::uint64_t generation, const std::vector<Node>& removed,
               const std::vector<Entry>& put, bool lift) override;
  std::pair<Refusal, bool> mend(const std::string& worker, std::uint64_t generation) override;
  Refusal reject(std::uint64_t generation, Node node, const std::string& frame) override;
  Refusal finish(const Finish& finish) override;
  Refusal halt(const Halted& halted) override;
  Refusal cancel() override;
  Revived rerun(const RerunWish& wish) override;

  std::optional<RunState> state() override;
  std::string plan() override;
  std::vector<Node> nodes() override;
  std::vector<std::string> frames(const std::vector<Node>& nodes) override;
  std::map<std::string, std::string> workers() override;
  std::optional<std::string> who(const std::string& worker) override;
  std::map<std::uint64_t, std::string> failures() override;
  std::optional<std::string> result() override;

 private:
  template <class Rule>
  auto step(const std::string& name, Rule rule);
  template <class Look>
  auto read(const std::string& name, Look look);

  std::shared_ptr<FakeServer> server_;
  std::string run_;
};

/// A maker of handles, as the engine wants it.
inline BlackboardMaker maker_of(std::shared_ptr<FakeServer> server, std::string run) {
  return [server = std::move(server), run = std::move(run)] { return std::make_unique<FakeBlackboard>(server, run); };
}

}  // namespace stint::test_support
