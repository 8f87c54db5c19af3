// SPDX-License-Identifier: Apache-2.0
#include "simulation/simulation.hpp"

#include <algorithm>
#include <iomanip>
#include <utility>

namespace stint::test_support {
namespace {

support::Arguments arguments_of(const Simulation::Setup& setup) {
  auto arguments = setup.job;
  arguments["chunks"] = {std::to_string(setup.chunks)};
  return arguments;
}

}  // namespace

Simulation::Simulation(Boards& boards, Setup setup, Hook hook)
    : Stage(arguments_of(setup)),
      board(boards.open("run")),
      boards_(boards),
      setup_(std::move(setup)),
      hook_(std::move(hook)) {
  spec.run = "run";
  spec.chunks = setup_.chunks;
  spec.slots = setup_.slots;
  spec.node_limit = setup_.node_limit;
  spec.retries = setup_.retries;
  spec.ends_early = false;
  board->create(spec, true, false);
}

std::unique_ptr<Blackboard> Simulation::open() {
  auto* actor = opening_;
  auto hooked = std::make_unique<HookedBoard>(
      std::shared_ptr<Blackboard>(boards_.open("run")),
      [this, actor](const std::string& step) {
        requests += 1;
        boards_.advance(std::exchange(behind_, 0));
        const bool reads = step == "state" || step == "nodes" || step == "frames" || step == "workers";
        if (!reads) changed_ = true;
        const Fate fate = hook_(*actor, step);
        story_ << std::fixed << std::setprecision(4) << clock.now() << ' ' << actor->worker->name << ' ' << step
               << (fate == Fate::well ? "" : " fate " + std::to_string(static_cast<int>(fate))) << '\n';
        return fate;
      },
      [this](std::function<void()> act) { late_.push_back(std::move(act)); });
  hooks_[actor] = hooked.get();
  return hooked;
}

void Simulation::advance(double seconds) {
  clock.advance(seconds);
  behind_ += seconds;
}

Actor& Simulation::add_worker(const std::string& name, const CourierOptions& options, const ReducerOptions& reducing,
                              int threads) {
  auto& actor = *actors.emplace_back(std::make_unique<Actor>());
  opening_ = &actor;
  CourierOptions own = options;
  own.lease = setup_.lease;
  own.commit_seconds = setup_.commit_seconds;
  actor.worker = std::make_unique<support::SimulatedWorker>(*this, name, threads, own, reducing);
  return actor;
}

bool Simulation::takes_poison(const Actor& actor) const {
  return std::ranges::any_of(actor.worker->running, [&](const Block& block) {
    const auto chunk = setup_.poison.lower_bound(block.chunks.first);
    return chunk != setup_.poison.end() && *chunk < block.chunks.last;
  });
}

void Simulation::step(Actor& actor, const std::string& what) {
  auto& worker = *actor.worker;
  if (actor.dead || worker.session.over() || clock.now() < actor.paused_until) return;
  const double now = clock.now();
  try {
    if (!actor.joined) {
      worker.join(static_cast<std::int64_t>(requests % (setup_.slots + 1)) - 1);
      actor.joined = true;
    } else if (what == "heartbeat") {
      actor.heartbeat_due = now + 0.01;
      actor.heartbeat_due = now + worker.heartbeat.step();
    } else if (what == "courier") {
      actor.courier_due = now + 0.001;
      actor.courier_due = now + worker.courier.step();
    } else if (what == "take") {
      if (worker.running.size() < static_cast<std::size_t>(worker.workload.demand().threads)) worker.take();
      if (takes_poison(actor)) throw Died{};
    } else if (what == "end") {
      if (!worker.running.empty()) worker.end_block();
    } else if (what == "reducer") {
      worker.reducer.step();
    }
  } catch (const BoardLost&) {
    if (what == "heartbeat") worker.heartbeat.forget();
  } catch (const Died&) {
    actor.dead = true;
  }
  if (hooks_[&actor]->dies) actor.dead = true;
  if (actor.dead) story_ << clock.now() << ' ' << worker.name << " dies\n";
  if (const auto outcome = worker.session.outcome(); outcome && outcome->kind == Outcome::Kind::failed) {
    const bool gone = outcome->error.starts_with("the run is no longer on the blackboard");
    if (!gone || !setup_.may_be_reopened) wrong_ = worker.name + " failed: " + outcome->error;
  }
  if (setup_.check_each_step && std::exchange(changed_, false)) check(worker.name + " " + what);
}

void Simulation::check(const std::string& what) {
  if (!wrong_.empty()) return;
  const auto picture = boards_.look(spec);
  if (picture.run.state != "running") return;
  if (auto broken = broken_rule(picture, spec); !broken.empty()) wrong_ = "after " + what + ": " + broken;
}

void Simulation::turn() {
  advance(0.005);
  for (std::size_t i = 0; i < actors.size() && wrong_.empty(); ++i) {
    auto& actor = *actors[i];
    if (!actor.joined || clock.now() >= actor.heartbeat_due) step(actor, "heartbeat");
    if (clock.now() >= actor.courier_due || actor.worker->running.empty()) step(actor, "courier");
    step(actor, "take");
    step(actor, "end");
    step(actor, "reducer");
  }
}

void Simulation::deliver_late(bool all) {
  while (!late_.empty()) {
    const auto act = std::move(late_.front());
    late_.erase(late_.begin());
    act();
    check("something late");
    if (!all) return;
  }
}

void Simulation::roll_back() {
  boards_.roll_back();
  story_ << clock.now() << " the server loses what came since it was saved\n";
  for (auto& actor : actors) actor->worker->heartbeat.forget();
  check("the roll-back");
}

bool Simulation::over() { return board->state()->state != "running"; }

std::string Simulation::verdict(bool failures) {
  if (!wrong_.empty()) return wrong_;
  const auto state = board->state()->state;
  std::set<std::uint64_t> failed;
  for (const auto& [chunk, why] : board->failures()) failed.insert(chunk);
  for (const auto chunk : setup_.poison) {
    if (!failed.contains(chunk)) return "chunk " + std::to_string(chunk) + ", a poison, is done";
  }
  if (!failures && failed != setup_.poison) return "good chunks have failed";
  if (state != (failed.empty() ? "done" : "partial")) return "the run is " + state;
  const auto expected = support::traced_without(setup_.chunks, failed);
  const auto frame = board->result();
  if (!frame) return "no result";
  if (expected.empty()) return frame->empty() ? "" : "a result of nothing";
  const auto result = support::text_of_result(*support::trace_job(arguments), *frame, setup_.chunks - failed.size());
  return result == expected ? "" : "the result is " + result + ", not " + expected;
}

}  // namespace stint::test_support
