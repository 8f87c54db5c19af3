// SPDX-License-Identifier: Apache-2.0
#include "support/fake_blackboard.hpp"

#include <algorithm>

namespace stint::test_support {
namespace {

template <class Answer>
Answer refused(Refusal refusal) {
  if constexpr (std::is_same_v<Answer, Refusal>) {
    return refusal;
  } else if constexpr (std::is_same_v<Answer, std::pair<Refusal, bool>>) {
    return {refusal, false};
  } else {
    Answer answer;
    answer.refusal = refusal;
    return answer;
  }
}

}  // namespace

void FakeServer::down(bool is) {
  const std::lock_guard lock(mutex_);
  down_ = is;
}

void FakeServer::lose_next_reply(const std::string& step) {
  const std::lock_guard lock(mutex_);
  faults_.push_back({Kind::reply, step, Refusal::none});
}

void FakeServer::lose_next_request(const std::string& step) {
  const std::lock_guard lock(mutex_);
  faults_.push_back({Kind::request, step, Refusal::none});
}

void FakeServer::refuse_next(Refusal refusal, const std::string& step) {
  const std::lock_guard lock(mutex_);
  faults_.push_back({Kind::refusal, step, refusal});
}

void FakeServer::slow(std::chrono::microseconds delay) {
  const std::lock_guard lock(mutex_);
  delay_ = delay;
}

void FakeServer::set_clock(double seconds) {
  const std::lock_guard lock(mutex_);
  now_ = seconds;
}

void FakeServer::advance(double seconds) {
  const std::lock_guard lock(mutex_);
  now_ += seconds;
}

std::uint64_t FakeServer::calls(const std::string& step) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t sum = 0;
  for (const auto& [name, count] : calls_) sum += step.empty() || step == name ? count : 0;
  return sum;
}

void FakeServer::lose_all() {
  const std::lock_guard lock(mutex_);
  runs_.clear();
}

std::optional<FakeServer::Fault> FakeServer::hit(Kind kind, const std::string& step) {
  const auto fault = std::ranges::find_if(
      faults_, [&](const Fault& each) { return each.kind == kind && (each.step.empty() || each.step == step); });
  if (fault == faults_.end()) return std::nullopt;
  const Fault found = *fault;
  faults_.erase(fault);
  return found;
}

void FakeServer::enter(const std::string& step) {
  ++calls_[step];
  on_call(step);
  if (down_) throw BoardLost("the fake blackboard is down");
  if (hit(Kind::request, step)) throw BoardLost("the request '" + step + "' was lost");
}

void FakeServer::leave(const std::string& step) {
  if (hit(Kind::reply, step)) throw BoardLost("the reply to '" + step + "' was lost");
}

// `rule` gets the run, or null when there is none.
template <class Look>
auto FakeBlackboard::read(const std::string& name, Look look) {
  std::unique_lock lock(server_->mutex_);
  if (const auto delay = server_->delay_; delay.count() > 0) {
    lock.unlock();
    std::this_thread::sleep_for(delay);
    lock.lock();
  }
  server_->enter(name);
  const auto run = server_->runs_.find(run_);
  auto answer = look(run == server_->runs_.end() ? nullptr : &run->second);
  server_->leave(name);
  return answer;
}

template <class Rule>
auto FakeBlackboard::step(const std::string& name, Rule rule) {
  return read(name, [&](FakeRun* run) {
    using Answer = decltype(rule(*run));
    if (const auto fault = server_->hit(FakeServer::Kind::refusal, name)) return refused<Answer>(fault->refusal);
    return run == nullptr ? refused<Answer>(Refusal::gone) : rule(*run);
  });
}

Joined FakeBlackboard::create(const RunSpec& spec, bool fresh, bool accept_program) {
  return read("create", [&](FakeRun* run) {
    if (const auto fault = server_->hit(FakeServer::Kind::refusal, "create")) return refused<Joined>(fault->refusal);
    Joined answer;
    const auto generation = server_->generations_ + 1;
    if (run == nullptr || fresh) {
      server_->runs_.erase(run_);
      run = &server_->runs_.emplace(run_, FakeRun(spec, generation, server_->now_)).first->second;
      run->set_halt(spec.halt);
      run->own(spec, server_->now_);
      server_->generations_ = generation;
    } else if (run->spec.identity != spec.identity) {
      answer.refusal = Refusal::identity;
    } else if (run->spec.program != spec.program && !accept_program) {
      answer.refusal = Refusal::program;
    } else {
      // The program belongs to the generation: who still runs the old one must not go on.
      const bool nobody = run->workers.empty();
      const bool reopens = run->state == "failed" || run->state == "cancelled" ||
                           (run->state == "running" && run->spec.program != spec.program) ||
                           (run->state == "running" && nobody && run->halting != Halt::none);
      run->spec.program = spec.program;
      if (reopens || nobody) {
        run->spec.retries = spec.retries;
        run->spec.max_failed = spec.max_failed;
        run->spec.ends_early = spec.ends_early;
      }
      if (reopens) {
        run->reopen(server_->generations_ = generation);
        run->revive(nullptr);
      }
      if (reopens || nobody) run->set_halt(spec.halt);
      if (reopens || (nobody && !run->owner_may_yet_join(spec.lost_owner, server_->now_))) run->own(spec, server_->now_);
    }
    answer.state = run->shown(true);
    return answer;
  });
}

Joined FakeBlackboard::join(const Caller& caller, const std::string& who, std::int64_t slot,
                            const std::string& program) {
  return step("join", [&](FakeRun& run) { return run.join(caller, who, slot, program); });
}

Claimed FakeBlackboard::claim(const Caller& caller, const ClaimWish& wish) {
  return step("claim", [&](FakeRun& run) { return run.claim(caller, wish, server_->now_); });
}

Committed FakeBlackboard::commit(const Caller& caller, const Work& work, const std::vector<Entry>& entries) {
  return step("commit", [&](FakeRun& run) { return run.commit(caller, work, entries, server_->now_); });
}

Failed FakeBlackboard::fail(const Caller& caller, const Failure& failure, double delay) {
  return step("fail", [&](FakeRun& run) { return run.fail(caller, failure, delay, server_->now_); });
}

Refusal FakeBlackboard::end(std::uint64_t generation, int exit_code, const std::string& error) {
  return step("end", [&](FakeRun& run) { return run.end(generation, exit_code, error); });
}

Renewed FakeBlackboard::renew(const std::string& worker, std::uint64_t generation, bool computes, const std::string&) {
  return step("renew", [&](FakeRun& run) { return run.renew(worker, generation, computes); });
}

Refusal FakeBlackboard::reap(std::uint64_t generation, const std::string& worker, std::optional<std::uint64_t> beat,
                             Blame blame) {
  return step("reap", [&](FakeRun& run) { return run.reap(generation, worker, beat, blame); });
}

Refusal FakeBlackboard::leave(const Caller& caller, const std::string& died) {
  return step("leave", [&](FakeRun& run) { return run.leave(caller, died); });
}

Refusal FakeBlackboard::fold(const std::string& worker, std::uint64_t generation, const std::vector<Node>& removed,
                             const std::vector<Entry>& put, bool lift) {
  return step("fold", [&](FakeRun& run) { return run.fold(worker, generation, removed, put, lift); });
}

std::pair<Refusal, bool> FakeBlackboard::mend(const std::string& worker, std::uint64_t generation) {
  return step("mend", [&](FakeRun& run) { return run.mend(worker, generation); });
}

Refusal FakeBlackboard::reject(std::uint64_t generation, Node node, const std::string& frame) {
  return step("reject", [&](FakeRun& run) { return run.reject(generation, node, frame); });
}

Refusal FakeBlackboard::finish(const Finish& finish) {
  return step("finish", [&](FakeRun& run) { return run.finish(finish, server_->now_); });
}

Refusal FakeBlackboard::halt(const Halted& halted) {
  return step("halt", [&](FakeRun& run) { return run.halt(halted); });
}

Refusal FakeBlackboard::cancel() {
  return step("cancel", [](FakeRun& run) { return run.cancel(); });
}

Revived FakeBlackboard::rerun(const RerunWish& wish) {
  return step("rerun", [&](FakeRun& run) { return run.rerun(wish, ++server_->generations_); });
}

std::optional<RunState> FakeBlackboard::state() {
  return read("state", [](FakeRun* run) { return run ? std::optional(run->shown(true)) : std::nullopt; });
}

std::string FakeBlackboard::plan() {
  return read("plan", [](FakeRun* run) { return run ? run->spec.plan : std::string(); });
}

std::vector<Node> FakeBlackboard::nodes() {
  return read("nodes", [](FakeRun* run) {
    std::vector<Node> names;
    if (run != nullptr) {
      for (const auto& [node, frame] : run->nodes) names.push_back(node);
    }
    return names;
  });
}

std::vector<std::string> FakeBlackboard::frames(const std::vector<Node>& nodes) {
  return read("frames", [&](FakeRun* run) {
    std::vector<std::string> frames(nodes.size());
    for (std::size_t i = 0; i < nodes.size() && run != nullptr; ++i) {
      if (const auto found = run->nodes.find(nodes[i]); found != run->nodes.end()) frames[i] = found->second;
    }
    return frames;
  });
}

std::map<std::string, std::string> FakeBlackboard::workers() {
  return read("workers", [](FakeRun* run) {
    std::map<std::string, std::string> workers;
    if (run != nullptr) {
      for (const auto& [name, worker] : run->workers) workers[name] = worker.who;
    }
    return workers;
  });
}

std::optional<std::string> FakeBlackboard::who(const std::string& worker) {
  const auto all = workers();
  const auto found = all.find(worker);
  return found == all.end() ? std::nullopt : std::optional(found->second);
}

std::map<std::uint64_t, std::string> FakeBlackboard::failures() {
  return read("failures",
              [](FakeRun* run) { return run != nullptr ? run->failures : std::map<std::uint64_t, std::string>(); });
}

std::optional<std::string> FakeBlackboard::result() {
  return read("result", [](FakeRun* run) { return run != nullptr ? run->result : std::nullopt; });
}

}  // namespace stint::test_support
