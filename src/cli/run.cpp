// SPDX-License-Identifier: Apache-2.0
#include "cli/run_command.hpp"

#include <stint/error.hpp>

#include "base/watchdog.hpp"
#include "blackboard/directory.hpp"
#include "cli/board_address.hpp"
#include "cli/board_place.hpp"
#include "cli/check.hpp"
#include "cli/embedded.hpp"
#include "cli/home.hpp"
#include "cli/home_board.hpp"
#include "cli/rendezvous.hpp"
#include "cli/stored_result.hpp"
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
#include <optional>
#include <random>
#include <sstream>
#include <thread>
#include <unistd.h>

namespace stint {
namespace {

// Only where mpirun has recovery on can a rank be lost in MPI_Init and leave the others waiting.
constexpr double init_seconds_launched = 30;
constexpr double init_seconds = 300;
// What has side effects is committed as it ends; what ends together goes together.
constexpr double at_once_seconds = 0.002;
// Rank 0 speaks as soon as MPI is initialised: it knows the blackboard by then.
constexpr double broadcast_seconds_launched = 15;
constexpr double broadcast_seconds = 120;
// A blackboard that is not there when a run begins: it may be about to restart, or its address is wrong.
constexpr double first_contact_seconds = 3;

std::atomic<std::atomic<bool>*> drain_flag{nullptr};
std::atomic<int> interrupts{0};

void on_signal(int signal) {
  if (signal == SIGINT && ++interrupts > 1) ::_exit(static_cast<int>(Exit::interrupted));
  if (auto* flag = drain_flag.load()) {
    *flag = true;
  } else {
    ::_exit(static_cast<int>(Exit::interrupted));
  }
}

// With recovery on, MPI_Finalize waits for ever for a rank that was lost; mpirun lets go whoever leaves it out. Without,
// mpirun itself ends the others when one is lost, and the wait for those that still compute may be long.
int leave(mpi::World& world, int code) {
  std::optional<Watchdog> watchdog;
  if (launched()) watchdog.emplace(2, "", code);
  world.finalize();
  return code;
}

std::string random_id() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}
}  // namespace

double unix_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void RunCommand::find_board() {
  const auto given = given_board(options_.board, options_.board_file);
  if (given) {
    address_ = *given;
    if (given->socket.empty()) network_ = given;
  } else {
    auto found = embedded_blackboard(options_.interface);
    address_ = found.here;
    network_ = found.network;
  }
  follow_board();
  const SteadyClock clock;
  const double end = clock.now() + std::min(first_contact_seconds, options_.board_timeout);
  for (;; std::this_thread::sleep_for(std::chrono::milliseconds(50))) {
    try {
      Directory(board_).check();
      return;
    } catch (const BoardLost& lost) {
      const std::string why = lost.what();
      if (why.starts_with("LOADING") || why.starts_with("BUSY")) return;  // it is there, and waited for later
      if (clock.now() < end) continue;
      throw Error(Exit::board, why + (given ? "; start the blackboard, or leave --board away" : "; 'stint doctor' says more"));
    }
  }
}

// It may move while the run goes on.
void RunCommand::follow_board() {
  std::shared_ptr<BoardPlace> place;
  if (!options_.board_file.empty()) {
    place = std::make_shared<BoardPlace>(address_, std::filesystem::path(options_.board_file));
  } else if (given_board(options_.board, "") || home_path().empty()) {
    place = std::make_shared<BoardPlace>(address_);
  } else {
    const bool named = !options_.interface.empty() && options_.interface != "none";
    place = std::make_shared<BoardPlace>(address_, home_path(), named ? options_.interface : "auto");
  }
  board_ = [place](int misses) { return place->now(misses); };
}

void RunCommand::listen_for_other_hosts() {
  if (given_board(options_.board, options_.board_file)) {
    throw Error(Exit::usage, "these ranks are on several hosts, and " + address_.shown() +
                                 " is reached from one; give --board redis://host:port");
  }
  if (options_.interface == "none") {
    throw Error(Exit::usage, "these ranks are on several hosts, and --interface none keeps the blackboard from them; leave "
                             "it away, or give --board redis://host:port");
  }
  network_ = open_to_network(home_folder(), options_.interface.empty() ? "auto" : options_.interface);
}

// Address for ranks of other hosts, address for those of this host, host and kernel, world.
std::string RunCommand::place_told() const {
  const auto here = Whereabouts::here();
  return fmt::format("{} {} {} {} {}", network_.value_or(address_).whole(), address_.whole(), here.host, here.boot, world_id_);
}

void RunCommand::take_place(const std::string& told) {
  std::istringstream words(told);
  std::string network, near, host, boot;
  words >> network >> near >> host >> boot >> world_id_;
  const auto here = Whereabouts::here();
  address_ = redis::parse_address(host == here.host && boot == here.boot ? near : network);
  follow_board();
}

// What rank 0 would tell. It sees to it that the blackboard of the home is there and on the network.
std::string RunCommand::place_without_mpi() {
  world_id_ = mpi::slurm_step()->name;
  const SteadyClock clock;
  const double end = clock.now() + broadcast_seconds;
  for (auto found = given_board(options_.board, options_.board_file);; found = answering(home_folder())) {
    if (found) {
      address_ = *found;
      return place_told();
    }
    if (clock.now() > end) {
      throw Error(Exit::interrupted, "rank 0 started no blackboard in " + home_folder().string() +
                                         " in time; the same command starts again");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

// A blackboard that is there and does not answer is waited for, here as while computing.
template <class Step>
auto RunCommand::patiently(Step step) {
  const SteadyClock clock;
  std::minstd_rand random{std::random_device{}()};
  double since = -1;
  for (int misses = 0;; ++misses) {
    try {
      return step();
    } catch (const BoardLost& lost) {
      // A board without room will hardly get some while nothing has begun yet.
      const std::string why = lost.what();
      if (why.find(": OOM") != why.npos || why.find(": MISCONF") != why.npos) throw;
      if (since < 0) since = clock.now();
      if (clock.now() - since > options_.board_timeout) throw;
      board_(misses + 1);  // it may have to be started elsewhere
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
  if (options_.output.empty()) facts.call_file = call_file();  // what was printed stays printed; a file is written whole
  facts.scratch_dir = std::filesystem::temp_directory_path();
  facts.log = [this](std::string_view line) { display_->log(std::string(line)); };
  return facts;
}

// When this call has to have ended, on the steady clock; 0: any time.
double RunCommand::deadline() const {
  double end = options_.time_limit > 0 ? begun_ + options_.time_limit : 0;
  if (const char* text = std::getenv("SLURM_JOB_END_TIME"); text != nullptr && std::atof(text) > 0) {
    const double then = SteadyClock().now() + std::atof(text) - unix_now();
    end = end > 0 ? std::min(end, then) : then;
  }
  return end;
}

ResultOutput& RunCommand::live_output() {
  if (!output_) output_ = std::make_unique<ResultOutput>(options_.output);
  output_->go_live();
  if (!following_) {
    const auto run_facts = facts();
    job_->begin_follow(Context(run_facts));
  }
  following_ = true;
  return *output_;
}

Outcome RunCommand::compute() {
  auto here = Whereabouts::here();
  here.rank = rank_;
  here.world = world_id_;
  here.threads = threads_.count;
  here.version = STINT_VERSION;
  auto run_facts = facts();
  run_facts.worker = new_worker_id(here);
  job_->prepare(Context(run_facts));
  if (options_.check > 0 && rank_ == 0) {
    const auto same = check_chunks(*job_, run_facts, options_.check);
    display_->say(fmt::format("{} chunks checked: the same bytes with every number of threads", grouped(same)));
  }
  SteadyClock clock;
  WorkerSetup setup;
  setup.job = job_;
  setup.facts = run_facts;
  setup.here = here;
  setup.board = [this] { return std::make_unique<RedisBlackboard>(board_, run_); };
  setup.clock = &clock;
  setup.program = program_;
  setup.slot = rank_;
  setup.leads = rank_ == 0;
  setup.courier.commit_seconds = job_->side_effects() ? at_once_seconds : options_.commit_every;
  setup.courier.lease = options_.lease;
  setup.courier.steal = !options_.no_steal;
  setup.courier.copies = !options_.no_copies && !job_->side_effects();
  setup.courier.chunk_timeout = options_.chunk_timeout;
  setup.courier.grace = options_.grace;
  setup.courier.deadline = deadline();
  setup.courier.partial_limit = options_.partial_limit;
  setup.stall_timeout = options_.stall_timeout > 0 ? options_.stall_timeout : 600;
  setup.chunks_must_end = options_.stall_timeout > 0;
  setup.courier.host = setup.here.host;
  setup.patience = options_.board_timeout;
  if (job_->follows()) {
    setup.follow = [this](Range chunks, const Hidden& partial) {
      job_->follow(chunks, partial, live_output());
      output_->flush();
    };
    setup.follow_failures = [this](const std::map<std::uint64_t, std::string>& failures) {
      for (const auto& failed : failed_chunks(failures)) job_->follow_failure(failed, live_output());
      output_->flush();
    };
  }
  setup.render = [this](Partial partial, const RunState&) {
    if (!output_) output_ = std::make_unique<ResultOutput>(options_.output);
    if (job_->follows()) {
      live_output();
    } else {
      output_->clear();
    }
    job_->finish(std::move(partial), *output_);
    rendered_ = true;
  };
  setup.fields = [this](const RunState& state) { return final_fields(state); };
  setup.abandon = [this](const Outcome& outcome) {
    const int code = conclude(outcome);
    std::fflush(nullptr);
    ::_exit(code);
  };
  session_.say = [this](const std::string& line) { display_->say(line); };
  session_.log = [this](const std::string& line) { display_->log(line); };
  display_->start(session_, run_);
  if (rank_ == 0) tell_launcher_begun();
  const auto outcome = work(session_, setup);
  display_->stop();
  return outcome;
}

int RunCommand::operator()() {
  const bool zero = mpi::rank_from_environment() == 0;
  display_ = std::make_unique<Display>(options_, mpi::rank_from_environment(), mpi::under_launcher() ? 2 : 1);
  std::optional<Error> early;
  if (zero) {
    // Before MPI is initialised: the server starts while MPI does.
    try {
      output_ = std::make_unique<ResultOutput>(options_.output);
      find_board();
      const auto step = mpi::slurm_step();
      world_id_ = step ? step->name : random_id();
    } catch (const Error& error) {
      early = error;
    }
  }
  mpi::World world(launched() ? init_seconds_launched : init_seconds);
  rank_ = world.rank();
  ranks_ = world.size();
  ranks_here_ = world.ranks_here();
  threads_ = threads_for_rank(options_.threads, ranks_here_);
  if (zero && !early && ranks_here_ < ranks_ && !network_) {
    try {
      listen_for_other_hosts();
    } catch (const Error& error) {
      early = error;
    }
  }
  std::optional<WorldHost> host;
  if (zero && !early) {
    try {
      host.emplace(board_, world_id_, ranks_);
    } catch (const Error& error) {
      early = error;
    }
  }
  // Rank 0 tells where the blackboard is; the rest is learned from there.
  std::string message = early ? "" : place_told();
  try {
    if (world.speaks()) {
      message = world.broadcast(message, launched() ? broadcast_seconds_launched : broadcast_seconds);
    } else if (!zero) {
      message = place_without_mpi();
    }
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

  int code = 0;
  try {
    bool go = false;
    if (zero) {
      go = patiently([&] { return prepare_run(); });
      if (go) {
        patiently([&] { host->tell({run_, std::string(job_->name()), seed_, program_, options_json(*job_options_)}); });
      }
      host.reset();
      code = exit_;
    } else {
      go = await_run();
    }
    if (!go && zero && tell_launcher(code, true)) code = 0;
    if (go) {
      std::signal(SIGPIPE, SIG_IGN);
      drain_flag = &session_.drain;
      for (int signal : {SIGTERM, SIGUSR1, SIGINT}) std::signal(signal, on_signal);
      patiently([&] { take_plan(); });
      const auto outcome = compute();
      code = patiently([&] { return conclude(outcome); });
      drain_flag = nullptr;
    }
  } catch (const Error& error) {
    code = say_and_end(error.what(), error.exit());
  } catch (const BadInput& error) {
    code = say_and_end(error.what(), Exit::usage);
  } catch (const BoardLost& error) {
    code = say_and_end(std::string("lost the blackboard: ") + error.what() + "; the same command continues",
                       Exit::board);
  } catch (const std::exception& error) {
    code = say_and_end(std::string("the job failed outside a chunk: ") + error.what(), Exit::defect);
  }
  host.reset();  // tells the others that there is nothing to compute, unless it named the run
  display_->stop();
  output_.reset();
  return leave(world, code);
}

int run_job(const RunOptions& options, JobNamed job, double begun) {
  return RunCommand(options, std::move(job), begun)();
}

}  // namespace stint
