// SPDX-License-Identifier: Apache-2.0
#include "cli/run_command.hpp"

#include <stint/error.hpp>

#include "base/environment.hpp"
#include "base/signals.hpp"
#include "base/watchdog.hpp"
#include "blackboard/directory.hpp"
#include "cli/board_address.hpp"
#include "cli/descendants.hpp"
#include "cli/failure_lines.hpp"
#include "cli/home.hpp"
#include "cli/rendezvous.hpp"
#include "cli/run_view.hpp"
#include "cli/stored_result.hpp"
#include "cli/terminal.hpp"
#include "engine/policy.hpp"
#include "engine/worker.hpp"
#include "mpi/slurm_step.hpp"
#include "mpi/world.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <stop_token>
#include <thread>
#include <unistd.h>

namespace stint {
namespace {

constexpr double init_seconds_launched = 30;
constexpr double init_seconds_alone = 300;
// A job with side effects commits each end at once; chunks that end together are committed together.
constexpr double at_once_seconds = 0.002;
// A guest without work for this many leases leaves: by then chunks of dead workers have been given up and handed
// out.
constexpr double idle_leases = 3;

}  // namespace

// Calls `step`; if the blackboard does not answer, retries as during the computation.
template <class Step>
auto RunCommand::patiently(Step step) {
  const SteadyClock clock;
  std::minstd_rand random{std::random_device{}()};
  double since = -1;
  for (int misses = 0;; ++misses) {
    try {
      return step();
    } catch (const BoardLost& lost) {
      // A board without memory or disk will hardly get more before the run has begun.
      const std::string why = lost.what();
      if (why.find(": OOM") != why.npos || why.find(": MISCONF") != why.npos) throw;
      if (since < 0) since = clock.now();
      if (clock.now() - since > options_.board_timeout) throw;
      board_(misses + 1);  // another host may have to start it
      if (misses == 5 && rank_ == 0) display_->say(std::string("waiting for the blackboard: ") + lost.what());
      std::this_thread::sleep_for(std::chrono::duration<double>(
          policy::reconnect_seconds(misses, options_.lease, std::uniform_real_distribution<>()(random))));
    }
  }
}

RunFacts RunCommand::facts() const {
  RunFacts facts;
  facts.run = run_;
  facts.seed = seed_;
  facts.threads = threads_.count;
  facts.store_dir = store_folder(run_);
  if (options_.output.empty()) facts.call_file = launched_.printed_file();  // text on stdout stays there; a file is written again as a whole
  facts.log = [this](std::string_view line) { display_->log(std::string(line)); };
  return facts;
}

// Rank 0 makes it before it names the run to ranks of other hosts: a rank that finds it has the same home.
std::filesystem::path RunCommand::store_mark() const { return store_folder(run_) / ("seen-by-" + world_id_); }

void RunCommand::mark_store() const {
  if (ranks_here_ == ranks_ || !job_->follows()) return;
  std::error_code ignored;  // without the mark, records carry the outputs, and nothing is lost
  std::filesystem::create_directories(store_folder(run_), ignored);
  std::ofstream mark(store_mark());
}

// Whether the leader can read the files that this rank keeps with the run. A world that joins a run on a blackboard that
// was given to it cannot know the leader's home.
bool RunCommand::store_shared() const {
  if (joined_ && given_board(options_.board, options_.board_file)) return false;
  return rank_ == 0 || ranks_here_ == ranks_ || std::filesystem::exists(store_mark());
}

// The time by which this call must have ended, on the steady clock; 0: none.
double RunCommand::deadline() const {
  double end = options_.time_limit > 0 ? begun_ + options_.time_limit : 0;
  if (const double unix_end = std::atof(environment("SLURM_JOB_END_TIME").c_str()); unix_end > 0) {
    const double then = SteadyClock().now() + unix_end - unix_now();
    end = end > 0 ? std::min(end, then) : then;
  }
  return end;
}

ResultOutput& RunCommand::live_output() {
  if (!output_) output_ = std::make_unique<ResultOutput>(options_.output, launched_.outputs_meet());
  output_->go_live();
  if (!following_) {
    const auto run_facts = facts();
    job_->begin_follow(Context(run_facts));
  }
  following_ = true;
  return *output_;
}

// If the reader is gone, or the disk is full, the run ends as by Ctrl-C: done chunks stay, running chunks may end, and nothing more is
// shown.
void RunCommand::follow(const std::function<void()>& step) {
  const auto& terminal = Terminal::standard();
  const auto given_up = [&] { return terminal.reader_gone() || !output_error_.empty(); };
  if (given_up()) return;
  try {
    step();
    output_->flush();
  } catch (const ReaderGone&) {
  } catch (const Error& error) {
    output_error_ = error.what();
  }
  if (!given_up()) return;
  session_.drain = true;
  session_.stop = true;
  session_.courier.notify();
}

Whereabouts RunCommand::whereabouts() const {
  auto here = Whereabouts::here();
  here.rank = rank_;
  here.world = world_id_;
  here.threads = threads_.count;
  here.lease = options_.lease;
  here.guest = guest();
  here.version = STINT_VERSION;
  return here;
}

Outcome RunCommand::compute() {
  const auto here = whereabouts();
  auto run_facts = facts();
  run_facts.worker = new_worker_id(here);
  run_facts.slot = rank_here_ * threads_.count;
  run_facts.store_shared = store_shared();
  in_job_step("prepare", [&] { job_->prepare(Context(run_facts)); });
  if (options_.check > 0 && rank_ == 0) {
    check(run_facts);
  }
  SteadyClock clock;
  WorkerSetup setup;
  setup.job = job_;
  setup.facts = run_facts;
  setup.here = here;
  setup.board = [this] { return std::make_unique<RedisBlackboard>(board_, run_); };
  setup.clock = &clock;
  setup.program = program_;
  setup.identity = identity_;
  setup.slot = rank_;
  setup.leads = rank_ == 0;
  setup.leader_lost = [this] { return rank_0_lost(); };
  setup.courier.commit_seconds = job_->side_effects() ? at_once_seconds : options_.commit_every;
  setup.courier.lease = options_.lease;
  setup.courier.steal = !options_.no_steal;
  setup.courier.copies = !options_.no_copies && !job_->side_effects();
  setup.courier.chunk_timeout = options_.chunk_timeout;
  setup.courier.grace = options_.grace;
  setup.courier.deadline = deadline();
  setup.courier.leave_idle = guest() ? idle_leases * options_.lease : 0;
  setup.courier.partial_limit = options_.partial_limit;
  setup.stall_timeout = options_.stall_timeout > 0 ? options_.stall_timeout : 600;
  setup.chunks_must_end = options_.stall_timeout > 0;
  setup.courier.host = setup.here.host;
  setup.patience = options_.board_timeout;
  if (job_->follows()) {
    setup.follow = [this](Range chunks, Hidden& partial) {
      job_->unload(partial);
      if (guest()) return;
      follow([&] { job_->follow(chunks, partial, live_output()); });
    };
  }
  if (job_->follows() && !guest()) {
    setup.follow_failures = [this](const std::map<std::uint64_t, std::string>& failures) {
      follow([&] {
        for (const auto& failed : failed_chunks(failures)) job_->follow_failure(failed, live_output());
      });
    };
    setup.follow_end = [this] {
      follow([&] { job_->follow_end(live_output()); });
    };
  }
  setup.halt = [this](const RunState& state) { return halted(state); };
  setup.render = [this](Partial partial, const RunState&) {
    rendered_ = true;
    if (guest()) {
      // The world that began the run may be gone for good by now; then no other rank would show the result.
      owned_ = false;
      for (const auto& [worker, who] : RedisBlackboard(board_, run_).workers()) owned_ = owned_ || !is_guest(who);
    }
    if (!output_) output_ = std::make_unique<ResultOutput>(options_.output, launched_.outputs_meet());
    if (guest() && options_.output.empty()) return;
    if (job_->follows()) {
      live_output();
      return follow([&] { job_->finish(std::move(partial), *output_); });
    }
    output_->clear();
    job_->finish(std::move(partial), *output_);
  };
  setup.fields = [this](const RunState& state) { return final_fields(state); };
  setup.ended_by_death = [this](const RunState& state) { return ended_by_death(state); };
  setup.abandon = [this](const Outcome& outcome) {
    const int code = conclude(outcome);
    std::fflush(nullptr);
    ::_exit(code);
  };
  session_.say = [this](const std::string& line) { display_->say(in_words_of(*job_, line)); };
  session_.log = [this](const std::string& line) { display_->log(in_words_of(*job_, line)); };
  if (launched_.launched()) {
    display_->show_bar_with([this](const BarFields& fields) { launched_.show_bar(fields.encode()); });
  }
  display_->start(session_, {run_, std::string(job_->item())}, job_->parallel_chunks() ? 1 : threads_.count,
                  [this, here] {
                    RedisBlackboard board(board_, run_);
                    const auto state = board.state();
                    return state ? look_at(board, *state, here).oldest() : -1;
                  });
  if (rank_ == 0) launched_.report_begun();
  const auto outcome = work(session_, setup);
  display_->stop();
  return outcome;
}

// With recovery on, a rank may be lost in MPI_Init and leave the others waiting.
double RunCommand::init_seconds() const { return launched_.launched() ? init_seconds_launched : init_seconds_alone; }

// With recovery on, MPI_Finalize waits for ever for a lost rank, and mpirun accepts a rank that skips it.
// Without, mpirun itself ends the others when one is lost, and the wait for those that still compute may be long.
int RunCommand::leave(mpi::World& world, int code) const {
  std::optional<Watchdog> watchdog;
  if (launched_.launched()) watchdog.emplace(2, "", code);
  world.finalize();
  return code;
}

// On the thread for signals. The launcher itself prints that the run stops.
void RunCommand::obey(int signal) {
  const bool speaks = rank_ == 0 && !launched_.launched();
  if (signal == SIGTSTP) {
    const auto stopped = stop_descendants(::getpid());  // the user's commands
    ::raise(SIGSTOP);
    continue_processes(stopped);
    return;
  }
  if (signal == SIGINT && stopping_) {
    if (speaks) display_->say_last("ends at once; what was at work is computed again when the same command continues");
    ::_exit(static_cast<int>(Exit::interrupted));
  }
  if (!at_work_) {
    if (speaks) display_->say_last("stopped before the run began; the same command continues");
    ::_exit(static_cast<int>(Exit::interrupted));
  }
  if (!session_.drain && speaks) {
    display_->say(fmt::format("stopping; chunks at work have up to {:g} s to end (--grace){}", options_.grace,
                              signal == SIGINT ? "; Ctrl-C again ends at once" : ""));
  }
  stopping_ = true;
  session_.drain = true;
  session_.stop = true;
  session_.courier.notify();
}

int RunCommand::operator()() {
  const bool zero = mpi::rank_from_environment() == 0;
  rank_ = mpi::rank_from_environment();
  display_ = std::make_unique<Display>(options_, rank_, mpi::under_launcher() ? 2 : 1);
  Signals signals{SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGTSTP};
  std::jthread obedient([&](const std::stop_token& stop) {
    const std::stop_callback wake(stop, [&] { signals.wake(); });
    while (!stop.stop_requested()) {
      if (const auto signal = signals.wait(Signals::until_woken)) obey(*signal);
    }
  });
  std::optional<Error> early;  // an error that rank 0 reports once the others can learn that there is nothing to do
  const bool local = launched_.shared_folder() != nullptr && mpi::one_host();
  if (zero) {
    try {
      if (local) ticket_.emplace(LocalTicket::of_rank_0(*launched_.shared_folder()));
      output_ = std::make_unique<ResultOutput>(options_.output, launched_.outputs_meet());
      if (!options_.summary.empty()) summary_ = std::make_unique<OutputFile>(options_.summary, "the summary");
      start_board();
    } catch (const Error& error) {
      early = error;
    }
    launched_.make_folder();
  } else if (local) {
    ticket_.emplace(LocalTicket::of_others(*launched_.shared_folder()));
  }
  auto world = local ? mpi::World::without_mpi() : mpi::World(init_seconds());
  rank_ = world.rank();
  ranks_ = world.size();
  ranks_here_ = world.ranks_here();
  rank_here_ = world.rank_here();
  hosts_ = world.hosts();
  threads_ = threads_for_rank(options_.threads, ranks_here_);
  std::optional<WorldHost> host;
  std::string message;
  try {
    message = zero ? tell_place(world, host, early) : hear_place(world);
  } catch (const Error& error) {
    return leave(world, say_and_end(error.what(), error.exit()));
  }
  if (message.empty()) {
    const int code = early ? say_and_end(early->what(), early->exit()) : 0;
    world.finalize();
    return code;
  }
  if (!zero) {
    take_place(message);
  } else if (!threads_.warning.empty()) {
    display_->say(threads_.warning);
  }
  const int code = go(host);
  display_->stop();
  output_.reset();
  return leave(world, code);
}

// From the address of the blackboard to the exit code.
int RunCommand::go(std::optional<WorldHost>& host) {
  const bool zero = rank_ == 0;
  int code = 0;
  try {
    bool go = false;
    if (zero) {
      go = patiently([&] { return prepare_run(); });
      if (go) {
        mark_store();
        patiently([&] { host->tell({run_, std::string(job_->name()), seed_, program_, options_json(*job_options_), joined_}); });
      }
      host.reset();
      code = exit_;
    } else {
      go = await_run();
    }
    if (!go && zero && report_exit(code, true)) code = 0;
    if (go) {
      std::signal(SIGPIPE, SIG_IGN);
      at_work_ = true;
      const bool runs = patiently([&] { return take_plan(); });
      const auto outcome = runs ? compute() : Outcome{};  // the run has ended: its state on the blackboard counts
      std::error_code ignored;
      if (zero) std::filesystem::remove(store_mark(), ignored);  // a rank that has not looked by now is too late
      code = patiently([&] { return conclude(outcome); });
    }
  } catch (const Error& error) {
    code = say_and_end(error.what(), error.exit());
  } catch (const BadInput& error) {
    code = say_and_end(error.what(), Exit::usage);
  } catch (const DataLost& error) {
    code = say_and_end(error.what(), Exit::damaged);
  } catch (const BoardLost& error) {
    code = say_and_end(std::string("lost the blackboard: ") + error.what() + "; the same command continues",
                       Exit::board);
  } catch (const std::exception& error) {
    const auto known = shortage(error);
    code = known ? say_and_end(known->what(), known->exit()) : say_and_end(std::string("the job failed outside a chunk: ") + error.what(), Exit::defect);
  }
  host.reset();  // announces that there is nothing to compute, unless the run was named
  return code;
}

int run_job(const RunOptions& options, JobNamed job, double begun, LaunchedRank& launched) {
  try {
    return RunCommand(options, std::move(job), begun, launched)();
  } catch (const std::exception& error) {
    // Ranks that are started again would lack the same resources.
    const auto known = shortage(error);
    if (known) launched.report_shortage();
    if (!known || mpi::rank_from_environment() != 0 || !launched.report_exit({static_cast<int>(known->exit()), std::nullopt})) throw;
    if (const auto* folder = launched.shared_folder()) LocalTicket::of_others(*folder).leave("");  // the others need not wait
    Terminal::standard().line(known->what());
    return 0;
  }
}

}  // namespace stint
