// SPDX-License-Identifier: Apache-2.0
#include "engine/worker.hpp"

#include <stint/error.hpp>

#include "codec/run_codec.hpp"
#include "engine/crash_report.hpp"
#include "engine/heartbeat.hpp"
#include "engine/team.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <optional>
#include <random>
#include <system_error>
#include <thread>
#include <vector>

namespace stint {
namespace {

// Calls `step` until the session is over. If the board does not answer, retries for `patience` seconds, with growing
// pauses; other errors end the session.
void repeat(Session& session, Signal& signal, const WorkerSetup& setup, bool speaks,
            const std::function<double()>& step, const std::function<void()>& on_lost = [] {}) {
  int misses = 0;
  double lost_since = 0;
  std::minstd_rand random{std::random_device{}()};
  while (!session.over()) {
    double wait = 0;
    try {
      wait = step();
      if (misses > 4 && speaks) session.say("the blackboard is back");
      misses = 0;
    } catch (const BoardLost& lost) {
      on_lost();
      const double now = setup.clock->now();
      if (misses == 0) lost_since = now;
      if (session.drain && now - lost_since > std::min(setup.patience, setup.courier.grace)) {
        session.end({Outcome::Kind::interrupted, Exit::interrupted, ""});  // asked to stop: its results are lost
        return;
      }
      if (now - lost_since > setup.patience) {
        session.end({Outcome::Kind::failed, Exit::board,
                     std::string("gave up waiting for the blackboard: ") + lost.what() +
                         "; when it is there again, the same command continues"});
        return;
      }
      if (misses == 4 && speaks) session.say(std::string("waiting for the blackboard: ") + lost.what());
      wait = policy::reconnect_seconds(misses++, setup.courier.lease, std::uniform_real_distribution<>()(random));
    } catch (const Error& error) {
      session.end({Outcome::Kind::failed, error.exit(), error.what()});
      return;
    } catch (const BadInput& error) {
      session.end({Outcome::Kind::failed, Exit::usage, error.what()});
      return;
    } catch (const DataLost& error) {
      session.end({Outcome::Kind::failed, Exit::damaged, error.what()});
      return;
    } catch (const std::exception& error) {
      session.end({Outcome::Kind::failed, Exit::defect, std::string("defect: ") + error.what()});
      return;
    } catch (...) {
      session.end({Outcome::Kind::failed, Exit::defect, "the job threw what is no std::exception"});
      return;
    }
    if (wait > 0) signal.wait(wait);
  }
}

// Joins the run on the board; false: the session is over.
bool join(Session& session, Blackboard& board, const WorkerSetup& setup, const std::string& id, std::int64_t slot) {
  Caller caller;
  caller.worker = id;
  caller.generation = session.identity().generation;  // first 0: any; later only this one, whose plan this rank has
  const auto joined = board.join(caller, setup.here.json(), slot, setup.program);
  if (session.ended_by(joined.refusal)) return false;
  if (joined.refusal == Refusal::program) {
    throw Error(Exit::other_run,
                "this run was begun by another version of the program; give --accept-program to go on with what is "
                "done, or --fresh to begin anew");
  }
  session.expect_chunks(joined.state.chunks);
  session.progress.chunks = joined.state.chunks;
  session.progress.done = joined.state.done;
  session.progress.workers = joined.state.workers;
  session.set_identity({caller.worker, joined.state.generation});
  session.set_leader(joined.leader);
  return true;
}

// This process dies by its own doing: charges the chunk that it computed, or the step of the job that it was in, and
// gives the rest back. Runs beside the other threads, on a heap that may be corrupt; if it hangs, the process waits only
// a bounded time. Returns the exit code of a run that this death ends.
std::optional<int> report_crash(Session& session, const WorkerSetup& setup, const Death& death) {
  // Otherwise the cause is not known: the other ranks find it among the chunks that this rank holds.
  if (!death.chunk && death.step == nullptr) {
    if (death.signal == 0) session.say("rank " + std::to_string(setup.here.rank) + " ends: the job " + death.how());
    return std::nullopt;
  }
  const auto [worker, generation] = session.identity();
  const std::string where = death.chunk ? "chunk " + std::to_string(*death.chunk) : std::string(death.step) + " of the job";
  const std::string died = where + " " + death.how();
  session.end({Outcome::Kind::failed, Exit::interrupted, died});
  session.say("rank " + std::to_string(setup.here.rank) + " ends: " + died +
              (session.progress.workers > 1 ? "; the others go on" : ""));
  Caller caller;
  caller.worker = worker;
  caller.generation = generation;
  caller.number = std::uint64_t{1} << 52;  // higher than any number that the courier may still send
  const auto board = setup.board();
  if (death.chunk) {
    board->fail(caller, {*death.chunk, "its rank " + death.how(), true}, 0);
    board->leave(caller);
    return std::nullopt;
  }
  board->leave(caller, died + " on " + setup.here.host);
  const auto state = board->state();
  if (!state || state->state != "failed" || !setup.ended_by_death) return std::nullopt;
  return setup.ended_by_death(*state);
}

// The threads beside the team. If the system cannot start one, the session ends with one line.
class Crew {
 public:
  explicit Crew(Session& session) : session_(session) {}
  template <class Start>
  void try_to(Start start) {
    try {
      start();
    } catch (const std::system_error& error) {
      const auto known = shortage(error);
      if (!known) throw;
      session_.end({Outcome::Kind::failed, known->exit(), known->what()});
    }
  }
  template <class Body>
  void start(Body body) {
    try_to([&] { threads_.emplace_back(std::move(body)); });
  }
  void join() { threads_.clear(); }

 private:
  Session& session_;
  std::vector<std::jthread> threads_;
};

}  // namespace

Outcome work(Session& session, const WorkerSetup& setup) {
  AnyJob& job = *setup.job;
  const codec::RunCodec codec(job, setup.identity, job.chunks());
  session.run = setup.facts.run;
  session.plan_chunks = codec.chunks();
  auto encode = [&](const Node& node, const Hidden& partial) {
    const JobStep step("serialize");
    return codec.node(node, partial);
  };
  Finisher finisher;
  finisher.render = setup.render;
  finisher.fields = setup.fields;
  finisher.follow = setup.follow;
  finisher.follow_failures = setup.follow_failures;
  finisher.halt = setup.halt;
  finisher.follow_end = setup.follow_end;
  finisher.encode = encode;
  finisher.decode = [&](const Node& node, std::string_view frame) {
    const JobStep step("serialize");
    return codec.node(node, frame);
  };
  finisher.encode_result = [&](const Hidden& partial, std::uint64_t done) {
    const JobStep step("serialize");
    return codec.result(partial, done);
  };

  const int threads_at_once = job.parallel_chunks() ? 1 : setup.facts.threads;
  Workload workload(job, Costs(job.weights()), threads_at_once, *setup.clock);
  workload.tell_first_node = job.side_effects();
  workload.on_change = [&] { session.courier.notify(); };
  session.on_end = [&] { workload.close(); };
  finisher.own = [&](const Node& node) { return workload.take_kept(node); };

  RunFacts facts = setup.facts;
  facts.stop = &session.stop;
  facts.abandon = &session.abandon;

  const auto courier_board = setup.board(), heartbeat_board = setup.board(), reducer_board = setup.board();
  Courier courier(session, workload, *courier_board, *setup.clock, setup.courier, encode,
                  [&, id = std::string()]() mutable {
                    // The same id until the board has answered: other ranks would wait a lease for an id that no rank uses.
                    if (id.empty()) id = new_worker_id(setup.here);
                    join(session, *courier_board, setup, id, -1);
                    id.clear();
                  });
  HeartbeatOptions heartbeats;
  heartbeats.lease = setup.courier.lease;
  heartbeats.stall_timeout = setup.stall_timeout;
  heartbeats.chunks_must_end = setup.chunks_must_end;
  heartbeats.computes = [&] { return workload.demand().running > 0 || session.in_job_step; };
  heartbeats.oldest_chunk = [&] { return workload.oldest_running(); };
  heartbeats.at_work = [&] { return workload.at_work(); };
  Heartbeat heartbeat(session, *heartbeat_board, *setup.clock, std::move(heartbeats), setup.here);
  Reducer reducer(session, job, *reducer_board, *setup.clock, std::move(finisher), setup.reducer);
  std::optional<CrashReport> crash_report;
  Crew crew(session);
  if (setup.crash_report) {
    crew.try_to([&] {
      crash_report.emplace([&](const Death& death) { return report_crash(session, setup, death); });
    });
  }
  const double begun = setup.clock->now();
  std::atomic<bool> joined{false};
  std::atomic<bool> team_ended{false};
  Signal team_end;

  crew.start([&] {
    repeat(session, session.courier, setup, setup.here.rank == 0, [&] {
      if (joined) return courier.step();
      if (session.drain) {
        session.end({Outcome::Kind::interrupted, Exit::interrupted, ""});
        return 0.0;
      }
      // Rank 0 is to lead. It may be lost before it joins, and the run may have ended before this rank reads the state.
      if (!setup.leads && setup.clock->now() - begun < 2 * setup.courier.lease && !setup.leader_lost()) {
        const auto state = courier_board->state();  // not the list of workers: thousands of ranks read here
        if (state && state->state == "running" && state->workers == 0) return 0.002;
      }
      joined = join(session, *courier_board, setup, facts.worker, setup.slot);
      session.heartbeat.notify();
      session.reducer.notify();
      return 0.0;
    });
    // The session is over. A chunk still running has some time, but a bounded one.
    if (!team_ended) team_end.wait(setup.patience_at_end);
    if (!team_ended && setup.abandon) setup.abandon(*session.outcome());
  });
  crew.start([&] {
    repeat(
        session, session.heartbeat, setup, false, [&] { return joined ? heartbeat.step() : 0.05; },
        [&] { heartbeat.forget(); });
  });
  crew.start([&] { repeat(session, session.reducer, setup, false, [&] { return joined ? reducer.step() : 0.05; }); });

  try {
    run_team(workload, job, facts);
  } catch (const BadInput& error) {
    session.end({Outcome::Kind::failed, Exit::usage, error.what()});
  } catch (const Error& error) {
    session.end({Outcome::Kind::failed, error.exit(), error.what()});
  } catch (const std::exception& error) {
    session.end({Outcome::Kind::failed, Exit::defect, std::string("the job failed outside a chunk: ") + error.what()});
  } catch (...) {
    session.end({Outcome::Kind::failed, Exit::defect, "the job failed outside a chunk: no std::exception"});
  }
  team_ended = true;
  team_end.notify();
  crew.join();
  session.on_end = nullptr;

  auto outcome = *session.outcome();
  const bool ends_all = outcome.exit == Exit::usage || outcome.exit == Exit::defect || outcome.exit == Exit::damaged;
  if (outcome.kind == Outcome::Kind::failed && ends_all) {
    // The same error would end the other ranks: they need not try.
    try {
      setup.board()->end(session.identity().generation, static_cast<int>(outcome.exit), outcome.error);
    } catch (const std::exception&) {
      // The next rank that meets the error reports it to the board.
    }
  }
  return outcome;
}

}  // namespace stint
