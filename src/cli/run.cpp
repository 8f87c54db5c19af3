// SPDX-License-Identifier: Apache-2.0
#include "cli/run.hpp"

#include <stint/error.hpp>

#include "blackboard/directory.hpp"
#include "blackboard/redis_blackboard.hpp"
#include "cli/board_address.hpp"
#include "cli/check.hpp"
#include "cli/display.hpp"
#include "cli/guardian.hpp"
#include "cli/identity.hpp"
#include "cli/launcher.hpp"
#include "cli/rendezvous.hpp"
#include "cli/result_output.hpp"
#include "cli/stored_result.hpp"
#include "cli/summary.hpp"
#include "cli/threads.hpp"
#include "cli/verbs.hpp"
#include "base/watchdog.hpp"
#include "codec/frame.hpp"
#include "engine/heartbeat.hpp"
#include "engine/policy.hpp"
#include "engine/worker.hpp"
#include "mpi/world.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <thread>
#include <unistd.h>

namespace stint {
namespace {

constexpr std::uint64_t most_chunks = (std::uint64_t{1} << 32) - 1;      // one bit each in a string of 512 MiB
// Only where mpirun has recovery on can a rank be lost in MPI_Init and leave the others waiting.
constexpr double init_seconds_launched = 30;
constexpr double init_seconds = 300;
constexpr std::size_t plan_limit = std::size_t{256} << 20;               // bytes

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

double unix_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string random_id() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

// One process's way through the verb. Members in the order in which they come to be known.
class RunCommand {
 public:
  RunCommand(const RunOptions& options, JobNamed job_named, double begun)
      : options_(options), job_named_(std::move(job_named)), begun_(begun) {}

  int operator()();

 private:
  void find_board();
  template <class Step>
  auto patiently(Step step);
  void choose(const std::string& job);
  bool prepare_rerun();
  std::int64_t failed_chunks_allowed(std::uint64_t chunks) const;
  double deadline() const;
  bool prepare_run();   // rank 0; false: nothing to compute
  bool await_run();     // other ranks; false: nothing to compute
  void take_plan();
  Outcome compute();
  int conclude(const Outcome& outcome);
  int show_stored(RedisBlackboard& board, const RunState& state);
  void say_of_changed_input(const RunIdentity& identity);
  std::map<std::string, std::string> final_fields(const RunState& state) const;
  RunFacts facts() const;
  int say_and_end(const std::string& line, Exit exit);
  [[noreturn]] void refuse_program(const RunState& state) const;

  const RunOptions& options_;
  const JobNamed job_named_;
  const double begun_;
  const double begun_unix_ = unix_now();
  const bool fresh_ = options_.fresh && !restarted();

  AnyJob* job_ = nullptr;
  Options* job_options_ = nullptr;
  std::unique_ptr<Display> display_;
  std::unique_ptr<ResultOutput> output_;
  redis::Address address_;
  std::string world_id_;
  int rank_ = 0;
  int ranks_ = 1;
  int ranks_here_ = 1;
  Threads threads_;
  std::string run_;
  std::uint64_t seed_ = 0;
  std::string program_;
  std::uint64_t computed_before_ = 0;
  std::uint64_t done_before_ = 0;
  bool rendered_ = false;  // output_ holds the result
  int exit_ = 0;        // of rank 0 when there is nothing to compute
  Session session_;
};

void RunCommand::find_board() {
  const auto given = given_board(options_.board, options_.board_file);
  address_ = given ? *given : embedded_blackboard();
  try {
    Directory(address_).check();
  } catch (const BoardLost& lost) {
    const std::string why = lost.what();
    if (why.starts_with("LOADING") || why.starts_with("BUSY")) return;  // it is there, and waited for later
    throw Error(Exit::board, why + (given ? "; start the blackboard, or leave --board away" : "; 'stint doctor' says more"));
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
      if (since < 0) since = clock.now();
      if (clock.now() - since > options_.board_timeout) throw;
      if (misses == 5 && rank_ == 0) display_->say(std::string("waiting for the blackboard: ") + lost.what());
      std::this_thread::sleep_for(std::chrono::duration<double>(
          policy::reconnect_seconds(misses, std::uniform_real_distribution<>()(random))));
    }
  }
}

RunFacts RunCommand::facts() const {
  RunFacts facts;
  facts.run = run_;
  facts.seed = seed_;
  facts.threads = threads_.count;
  facts.scratch_dir = std::filesystem::temp_directory_path();
  facts.log = [this](std::string_view line) { display_->log(std::string(line)); };
  return facts;
}

void RunCommand::say_of_changed_input(const RunIdentity& identity) {
  for (const auto& other : Directory(address_).runs()) {
    if (other.starts_with(identity.beginning) && other != identity.run) {
      display_->say("input changed since run " + other + "; this is a new run");
      return;
    }
  }
}

// The exit code of this process. Only rank 0 returns another than 0: mpirun would end the ranks still at work.
int RunCommand::say_and_end(const std::string& line, Exit exit) {
  display_->error(line);
  return rank_ == 0 && !tell_launcher(static_cast<int>(exit)) ? static_cast<int>(exit) : 0;
}

void RunCommand::refuse_program(const RunState& state) const {
  throw Error(Exit::other_run, "run " + run_ + " was begun by another version of the program (" +
                                   state.fields.at("program") + ", here " + program_ +
                                   "); give --accept-program to go on with what is done, or --fresh to begin anew");
}

void RunCommand::choose(const std::string& job) {
  const auto chosen = job_named_(job);
  job_ = chosen.job;
  job_options_ = chosen.options;
}

// -1: any number.
std::int64_t RunCommand::failed_chunks_allowed(std::uint64_t chunks) const {
  if (options_.max_failed.empty()) return -1;
  const double number = std::strtod(options_.max_failed.c_str(), nullptr);
  return static_cast<std::int64_t>(options_.max_failed.ends_with('%') ? number / 100 * static_cast<double>(chunks)
                                                                      : number);
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

// The run is there, with all that it needs; what failed gets another life.
bool RunCommand::prepare_rerun() {
  run_ = Directory(address_).find(options_.rerun);
  RedisBlackboard board(address_, run_);
  const auto state = board.state();
  if (!state) throw Error(Exit::usage, "run " + run_ + " is no longer on the blackboard");
  refuse_good_chunks(run_, *state, board.failures(), options_.rerun_chunks);
  choose(state->fields.at("job"));
  apply_options(*job_options_, state->fields.at("options"), false);
  const auto identity = identify(*job_, *job_options_);
  if (identity.json != state->fields.at("identity")) {
    throw Error(Exit::other_run, "what run " + run_ + " was computed from has changed: " +
                                     difference(state->fields.at("identity"), identity.json) +
                                     "; run it anew to compute all of it");
  }
  seed_ = identity.seed;
  program_ = program_of(*job_);
  if (restarted() && state->state == "running") return true;
  const auto revived = board.rerun(
      {options_.rerun_chunks, program_, options_.retries, failed_chunks_allowed(state->chunks)});
  if (revived.refusal != Refusal::none) throw Error(Exit::usage, "run " + run_ + " has just ended");
  display_->say(counted(revived.chunks, "failed chunk") + " of run " + run_ +
                (revived.chunks == 1 ? " gets" : " get") + " another life");
  return true;
}

bool RunCommand::prepare_run() {
  if (!options_.rerun.empty()) return prepare_rerun();
  choose("");
  const auto identity = identify(*job_, *job_options_);
  program_ = program_of(*job_);
  run_ = options_.run_id.empty() ? identity.run : options_.run_id;
  seed_ = identity.seed;
  RedisBlackboard board(address_, run_);
  const auto found = board.state();
  const bool there = found && !fresh_;
  if (found && !fresh_ && found->fields.contains("identity") &&
      found->fields.at("identity") != identity.json) {
    throw Error(Exit::other_run, "run " + run_ + " has other content: " +
                                     difference(found->fields.at("identity"), identity.json) +
                                     "; give another --run-id, or --fresh to begin anew");
  }
  if (there && found->fields.at("program") != program_ && !options_.accept_program) refuse_program(*found);
  if (there && (found->state == "done" || found->state == "partial")) {
    exit_ = show_stored(board, *found);
    return false;
  }
  RunSpec spec;
  spec.run = run_;
  spec.job = job_->name();
  spec.program = program_;
  spec.identity = identity.json;
  spec.options = options_json(*job_options_);
  spec.retries = options_.retries;
  spec.max_failed = failed_chunks_allowed(there ? found->chunks : 0);
  spec.slots = static_cast<std::uint64_t>(ranks_);
  if (!there) {
    say_of_changed_input(identity);
    const auto plan_facts = facts();
    try {
      job_->plan(Context(plan_facts));
    } catch (const std::invalid_argument& error) {
      throw Error(Exit::usage, error.what());  // options that do not go together
    }
    spec.chunks = job_->chunks();
    if (spec.chunks > most_chunks) {
      throw Error(Exit::usage, "the plan has " + grouped(spec.chunks) + " chunks, at most " + grouped(most_chunks) +
                                   " can be kept; make chunks larger");
    }
    spec.plan = codec::wrap({'p', codec::hash(job_->name()), spec.chunks}, job_->encode_plan());
    if (spec.plan.size() > plan_limit) {
      throw Error(Exit::usage, "the plan has " + std::to_string(spec.plan.size() >> 20) + " MiB, at most " +
                                   std::to_string(plan_limit >> 20) + " can be kept; make chunks larger");
    }
    spec.profile = Costs(job_->weights()).profile();
    spec.max_failed = failed_chunks_allowed(spec.chunks);
  }
  const auto created = board.create(spec, fresh_, options_.accept_program);
  if (created.refusal == Refusal::identity) {
    throw Error(Exit::other_run, "run " + run_ + " has just been made with other content; give another --run-id");
  }
  if (created.refusal == Refusal::program) refuse_program(created.state);
  if (there) {
    reap_known_gone(board, created.state.generation, Whereabouts::here());
    display_->say(fmt::format("run {} goes on: {} of {} chunks are done", run_, grouped(created.state.done),
                              grouped(created.state.chunks)));
  } else {
    display_->log(fmt::format("run {}: {} chunks", run_, grouped(created.state.chunks)));
  }
  return true;
}

bool RunCommand::await_run() {
  const auto word = await_word(address_, world_id_, options_.board_timeout);
  if (!word) return false;
  run_ = word->run;
  seed_ = word->seed;
  program_ = word->program;
  choose(word->job);
  apply_options(*job_options_, word->options, false);
  return true;
}

void RunCommand::take_plan() {
  RedisBlackboard board(address_, run_);
  const auto state = board.state();
  if (!state) throw Error(Exit::board, "run " + run_ + " is no longer on the blackboard; the same command starts it again");
  const auto frame = board.plan();
  if (frame.empty()) return;  // ended meanwhile
  try {
    job_->adopt_plan(codec::unwrap({'p', codec::hash(job_->name()), state->chunks}, frame));
  } catch (const codec::FrameError& error) {
    throw Error(Exit::damaged, "the plan of run " + run_ + " cannot be read: " + error.what() + "; give --fresh to begin anew");
  }
  computed_before_ = state->computed;
  done_before_ = state->done;
}

std::map<std::string, std::string> RunCommand::final_fields(const RunState& state) const {
  auto number = [&](const char* name) {
    const auto found = state.fields.find(name);
    return found == state.fields.end() ? 0.0 : std::strtod(found->second.c_str(), nullptr);
  };
  const double last_end = number("last_end");
  // What an earlier world computed before it was cut off is not this run's time.
  const double first_claim = std::max(number("first_claim"), begun_unix_);
  return {{"ranks", std::to_string(state.workers)},
          {"threads", std::to_string(threads_.count)},
          {"seconds", fmt::format("{:.6f}", SteadyClock().now() - begun_)},
          {"compute_seconds", fmt::format("{:.6f}", std::max(0.0, last_end - first_claim))}};
}

Outcome RunCommand::compute() {
  auto run_facts = facts();
  job_->prepare(Context(run_facts));
  if (options_.check > 0 && rank_ == 0) {
    const auto same = check_chunks(*job_, run_facts, options_.check);
    display_->say(fmt::format("{} chunks checked: the same bytes with every number of threads", grouped(same)));
  }
  SteadyClock clock;
  WorkerSetup setup;
  setup.job = job_;
  setup.facts = run_facts;
  setup.here = Whereabouts::here();
  setup.here.rank = rank_;
  setup.here.world = world_id_;
  setup.here.threads = threads_.count;
  setup.here.version = STINT_VERSION;
  setup.board = [this] { return std::make_unique<RedisBlackboard>(address_, run_); };
  setup.clock = &clock;
  setup.program = program_;
  setup.slot = rank_;
  setup.leads = rank_ == 0;
  setup.courier.commit_seconds = options_.commit_every;
  setup.courier.lease = options_.lease;
  setup.courier.steal = !options_.no_steal;
  setup.courier.copies = !options_.no_copies;
  setup.courier.chunk_timeout = options_.chunk_timeout;
  setup.courier.grace = options_.grace;
  setup.courier.deadline = deadline();
  setup.courier.partial_limit = options_.partial_limit;
  setup.stall_timeout = options_.stall_timeout > 0 ? options_.stall_timeout : 600;
  setup.chunks_must_end = options_.stall_timeout > 0;
  setup.courier.host = setup.here.host;
  setup.patience = options_.board_timeout;
  setup.render = [this](Partial partial, const RunState&) {
    if (!output_) output_ = std::make_unique<ResultOutput>(options_.output);
    output_->clear();
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
  if (rank_ == 0) {
    display_->start(session_, run_);
    tell_launcher_begun();
  }
  const auto outcome = work(session_, setup);
  display_->stop();
  return outcome;
}

int RunCommand::show_stored(RedisBlackboard& board, const RunState& state) {
  show_stored_result(*job_, board, state, run_, *output_);
  const int code = static_cast<int>(state.state == "partial" ? Exit::partial : Exit::complete);
  if (!options_.summary.empty()) write_whole(options_.summary, summary_json(state, 0));
  display_->say(fmt::format("run {} is {}: {} of {} chunks, nothing computed{}", run_, state.state, grouped(state.done),
                            grouped(state.chunks),
                            state.state == "partial" ? "; stint rerun " + run_ + " gives the failed chunks another life" : ""));
  return code;
}

int RunCommand::conclude(const Outcome& outcome) {
  display_->stop();
  RedisBlackboard board(address_, run_);
  int code = static_cast<int>(outcome.exit);
  auto kind = outcome.kind;
  if (kind == Outcome::Kind::ended && session_.leading() && output_ && rendered_) {
    // The board took our result, and its answer was lost.
    const auto state = board.state();
    if (state && (state->state == "done" || state->state == "partial")) {
      kind = Outcome::Kind::finished;
      code = static_cast<int>(state->state == "partial" ? Exit::partial : Exit::complete);
    }
  }
  switch (kind) {
    case Outcome::Kind::finished: {
      const auto state = board.state();
      if (state && !options_.summary.empty()) {
        write_whole(options_.summary, summary_json(*state, state->computed - computed_before_));
      }
      if (output_) output_->publish();
      if (!state) break;
      const auto lost = board.failures();
      if (!lost.empty()) {
        const auto first = nlohmann::json::parse(lost.begin()->second, nullptr, false);
        display_->error(fmt::format("{} of {} chunks failed, the result is partial; the first, chunk {}: {}",
                                    grouped(state->failed), grouped(state->chunks), lost.begin()->first,
                                    (first.is_object() ? first.value("error", "") : "") + "; stint rerun " + run_ +
                                        " -n N computes them again"));
      }
      display_->say(fmt::format(
          "run {}: {} chunks: {} computed here, {} found in the checkpoint, {} computed again; {}, {} rank{} of {} thread{}",
          run_, grouped(state->chunks), grouped(state->computed - computed_before_), grouped(done_before_),
          grouped(state->again), duration(SteadyClock().now() - begun_), state->fields.at("ranks"),
          state->fields.at("ranks") == "1" ? "" : "s", threads_.count, threads_.count == 1 ? "" : "s"));
      break;
    }
    case Outcome::Kind::ended: {
      if (rank_ != 0) return 0;
      const auto state = board.state();
      if (state && state->state == "failed") {
        const auto error = state->fields.find("error");
        const auto exit = state->fields.find("exit");
        code = exit == state->fields.end() ? static_cast<int>(Exit::defect) : std::atoi(exit->second.c_str());
        display_->error(error == state->fields.end() ? "the run failed" : error->second);
      } else if (state && (state->state == "done" || state->state == "partial")) {
        display_->say("run " + run_ + " was finished by another rank; stint result " + run_ + " shows it");
        code = static_cast<int>(state->state == "partial" ? Exit::partial : Exit::complete);
      } else {
        display_->error("run " + run_ + " was " + (state ? state->state + "; the same command goes on with what is done" : "removed"));
        code = static_cast<int>(Exit::interrupted);
      }
      break;
    }
    case Outcome::Kind::interrupted:
      if (rank_ != 0) return 0;
      display_->say("run " + run_ + " was interrupted; the same command continues");
      break;
    case Outcome::Kind::left:
      return launched() ? 0 : code;  // whoever ends the run tells the launcher; nobody: it starts the ranks again
    case Outcome::Kind::failed:
      // What ends all ranks is said once; what only this rank knows, by this rank.
      if (rank_ == 0 || session_.leading() || outcome.exit == Exit::interrupted) display_->error(outcome.error);
      break;
  }
  const bool speaks = rank_ == 0 || kind == Outcome::Kind::finished;
  return speaks && !tell_launcher(code) ? code : 0;
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
      world_id_ = random_id();
    } catch (const Error& error) {
      early = error;
    }
  }
  mpi::World world(launched() ? init_seconds_launched : init_seconds);
  rank_ = world.rank();
  ranks_ = world.size();
  ranks_here_ = world.ranks_here();
  threads_ = threads_for_rank(options_.threads, ranks_here_);
  if (zero && !early && ranks_here_ < ranks_ && !given_board(options_.board, options_.board_file)) {
    early = Error(Exit::usage,
                  "these ranks are on several hosts, and the blackboard that Stint starts serves one; start a Redis "
                  "that all can reach and give --board redis://host:port");
  }
  std::optional<WorldHost> host;
  if (zero && !early) {
    try {
      host.emplace(address_, world_id_, ranks_);
    } catch (const Error& error) {
      early = error;
    }
  }
  // Rank 0 tells where the blackboard is; the rest is learned from there.
  std::string message = early ? "" : address_.whole() + " " + world_id_;
  message = world.broadcast(message, options_.board_timeout + 60);
  if (message.empty()) {
    if (early) display_->error(early->what());
    world.finalize();
    return early && !tell_launcher(static_cast<int>(early->exit())) ? static_cast<int>(early->exit()) : 0;
  }
  if (!zero) {
    address_ = redis::parse_address(message.substr(0, message.rfind(' ')));
    world_id_ = message.substr(message.rfind(' ') + 1);
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
    if (!go && zero && tell_launcher(code)) code = 0;
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
  if (launched()) {
    // With recovery on, MPI_Finalize waits for ever for a rank that was lost; mpirun lets go whoever leaves it out.
    const Watchdog watchdog(2, "", code);
    world.finalize();
    return code;
  }
  world.finalize();
  return code;
}

}  // namespace

int run_job(const RunOptions& options, JobNamed job, double begun) {
  return RunCommand(options, std::move(job), begun)();
}

}  // namespace stint
