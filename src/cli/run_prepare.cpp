// SPDX-License-Identifier: Apache-2.0
#include "cli/run_command.hpp"

#include <stint/error.hpp>

#include "base/environment.hpp"
#include "base/notes.hpp"
#include "base/program.hpp"
#include "base/text_input.hpp"
#include "blackboard/directory.hpp"
#include "cli/chunk_text.hpp"
#include "cli/halt_option.hpp"
#include "cli/job_options.hpp"
#include "cli/output_paths.hpp"
#include "cli/rendezvous.hpp"
#include "cli/stored_result.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"
#include "codec/run_codec.hpp"
#include "engine/costs.hpp"
#include "engine/heartbeat.hpp"
#include "engine/policy.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <stdexcept>

namespace stint {
namespace {

constexpr std::uint64_t most_chunks = (std::uint64_t{1} << 32) - 1;  // one bit each in a string of 512 MiB

// Whether an earlier start of this call, by the launcher or in a batch job that was requeued, was cut off.
bool called_again(const LaunchedRank& launched) {
  return launched.begun_before() || std::atoi(environment("SLURM_RESTART_COUNT").c_str()) > 0;
}

}  // namespace

// If the source is not available in this call, such as standard input of an earlier one, that of the run counts.
void RunCommand::take_source_of(RunIdentity& identity, const std::optional<RunState>& found) const {
  if (found && job_->takes_over() && !identity.with_source && found->field("job") == job_->name() && !fresh_) {
    identity.json = found->field("identity");
  }
}

void RunCommand::say_of_changed_input(const RunIdentity& identity) {
  const auto other = run_of_older_input(identity);
  if (!other.empty()) display_->say("input changed since run " + other + "; this is a new run");
}

void RunCommand::refuse_program(const RunState& state) const {
  throw Error(Exit::other_run, "run " + run_ + " was begun by another version of the program (" +
                                   state.field("program") + ", here " + program_ +
                                   "); give --accept-program to go on with what is done" +
                                   (options_.rerun.empty() ? ", or --fresh to begin anew" : ", or run it --fresh"));
}

void RunCommand::choose(const std::string& job) {
  const auto chosen = job_named_(job);
  job_ = chosen.job;
  job_options_ = chosen.options;
  if (job_->side_effects()) threads_ = threads_for_rank(options_.threads, ranks_here_, false);
}

// -1: any number.
std::int64_t RunCommand::failed_chunks_allowed(std::uint64_t chunks) const {
  if (options_.max_failed.empty()) return -1;
  const double number = std::strtod(options_.max_failed.c_str(), nullptr);
  return static_cast<std::int64_t>(options_.max_failed.ends_with('%') ? number / 100 * static_cast<double>(chunks)
                                                                      : number);
}

// Whether the run ends if all its first chunks fail. Not with side effects: such chunks may rightly fail, and the rest is to
// be tried. Not with --max-failed, which allows a number of failures.
bool RunCommand::ends_early() const { return options_.max_failed.empty() && !job_->side_effects(); }

// The run exists with all that it needs; its failed chunks are queued again.
bool RunCommand::prepare_rerun() {
  run_ = Directory(board_).find(options_.rerun);
  RedisBlackboard board(board_, run_);
  const auto state = board.state();
  if (!state) throw Error(Exit::usage, "run " + run_ + " is no longer on the blackboard");
  if (!called_again(launched_)) refuse_good_chunks(run_, *state, board.failures(), {});
  choose(state->field("job"));
  auto chunks = options_.rerun_chunks;
  if (!chunks.empty() && job_->item() != "chunk") {  // the user knows them by their numbers in the list
    adopt_stored_plan(*job_, board, *state, run_);
    chunks = chunks_of(*job_, run_, chunks);
  }
  if (!called_again(launched_)) refuse_good_chunks(run_, *state, board.failures(), chunks);
  apply_options(*job_options_, state->field("options"), false);
  apply_words(*job_options_, options_.rerun_words, {OptionKind::run_time, OptionKind::result},
              typed("rerun") + " takes the options of " + std::string(job_->name()) + " that are not part of what is computed");
  refuse_shared_paths(options_, *job_options_);
  read_files_only();  // standard input of this call is not the list
  auto identity = identify(*job_, *job_options_);
  take_source_of(identity, state);
  if (identity.json != state->field("identity")) {
    throw Error(Exit::other_run, "what run " + run_ + " was computed from has changed: " +
                                     difference(state->field("identity"), identity.json) +
                                     "; run it anew to compute all of it");
  }
  seed_ = identity.seed;
  program_ = program_of(*job_);
  reap_known_gone(board, state->generation, Whereabouts::here());
  if (called_again(launched_) && state->state == "running") return true;
  if (called_again(launched_) && state->state == "done") {
    exit_ = show_stored(board, *state);
    return false;
  }
  if (program_ != state->field("program")) {
    if (!options_.accept_program) refuse_program(*state);
    adopt_stored_plan(*job_, board, *state, run_);  // before this world owns the run
  }
  const auto revived = board.rerun({chunks, program_, options_.retries,
                                    failed_chunks_allowed(state->chunks), ends_early(),
                                    halt_rule(options_.halt, state->chunks)});
  if (revived.refusal != Refusal::none) throw Error(Exit::usage, "run " + run_ + " has just ended");
  display_->say(counted(revived.chunks, ("failed " + std::string(job_->item())).c_str()) + " of run " + run_ +
                (revived.chunks == 1 ? " gets" : " get") + " another life");
  return true;
}

void RunCommand::show_plan() {
  const auto chunks = job_->chunks();
  PassingBuffer buffer(print);
  std::ostream out(&buffer);
  out.exceptions(std::ios::badbit);
  for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
    const auto text = job_->describe(chunk);
    if (text.empty()) break;
    out << text << '\n';
  }
  out.flush();
  // The blackboard begins with the plan and a bit a chunk; the size of the results is not known yet.
  const auto plan_bytes = job_->encode_plan().size();
  display_->say(fmt::format("run {} would compute {} on {} of {} on {}; its plan has {} bytes, the blackboard would begin "
                            "with about {} KiB; nothing was begun",
                            run_, counted(chunks, job_->item()), counted(static_cast<std::uint64_t>(ranks_), "rank"),
                            counted(static_cast<std::uint64_t>(threads_.count), "thread"),
                            counted(static_cast<std::uint64_t>(hosts_), "host"), grouped(plan_bytes),
                            grouped((plan_bytes + chunks / 8 + 8192) >> 10)));
}

bool RunCommand::prepare_run() {
  if (!options_.rerun.empty()) return prepare_rerun();
  choose("");
  auto identity = identify(*job_, *job_options_);
  for (const auto& line : take_notes()) display_->say(line);
  program_ = program_of(*job_);
  run_ = options_.run_id.empty() ? identity.run : options_.run_id;
  seed_ = identity.seed;
  RedisBlackboard board(board_, run_);
  const auto found = fresh_ ? std::nullopt : board.state();  // a fresh run need not read the old one
  if (!options_.run_id.empty()) take_source_of(identity, found);
  const auto earlier = earlier_run(identity, found);
  const bool there = found && !fresh_ && !options_.dry_run && earlier.empty();
  if (there && found->field("identity") != identity.json) {
    throw Error(Exit::other_run, "run " + run_ + " has other content: " +
                                     difference(found->field("identity"), identity.json) +
                                     "; give another --run-id, or --fresh to begin anew");
  }
  if (there && found->field("program") != program_) {
    if (!options_.accept_program) refuse_program(*found);
    if (found->state == "running") adopt_stored_plan(*job_, board, *found, run_);  // before this world owns the run
  }
  if (there && (found->state == "done" || found->state == "partial")) {
    if (options_.check > 0) check_finished();
    exit_ = show_stored(board, *found);
    return false;
  }
  if (there && found->state == "running") reap_known_gone(board, found->generation, Whereabouts::here());
  RunSpec spec;
  spec.run = run_;
  spec.job = job_->name();
  spec.program = program_;
  spec.identity = identity.json;
  spec.options = options_json(*job_options_);
  spec.owner = whereabouts().json();
  if (there && known_gone(found->field("owner"), Whereabouts::here())) spec.lost_owner = found->field("owner");
  spec.retries = options_.retries.value_or(job_->side_effects() ? 0 : 2);
  spec.max_failed = failed_chunks_allowed(there ? found->chunks : 0);
  spec.ends_early = ends_early();
  if (there) spec.halt = halt_rule(options_.halt, found->chunks);
  spec.slots = static_cast<std::uint64_t>(ranks_);
  spec.node_limit = policy::node_limit(spec.slots);
  if (!there) {
    if (earlier.empty()) {
      say_of_changed_input(identity);
    } else {
      take_over(earlier);
    }
    const auto plan_facts = facts();
    try {
      in_job_step("plan", [&] { job_->plan(Context(plan_facts)); });
    } catch (const std::invalid_argument& error) {
      throw Error(Exit::usage, error.what());  // options that exclude each other
    }
    spec.chunks = job_->chunks();
    if (spec.chunks > most_chunks) {
      throw Error(Exit::usage, "the plan has " + grouped(spec.chunks) + " chunks, at most " + grouped(most_chunks) +
                                   " can be kept; make chunks larger");
    }
    if (options_.dry_run) {
      show_plan();
      return false;
    }
    spec.plan = codec::RunCodec(*job_, spec.identity, spec.chunks).plan();
    if (spec.plan.size() > options_.plan_limit) {
      throw Error(Exit::usage, "the plan has " + grouped(spec.plan.size()) + " bytes, --plan-limit allows " +
                                   grouped(options_.plan_limit) + "; make chunks larger, or raise --plan-limit");
    }
    spec.profile = Costs(job_->weights()).profile();
    spec.max_failed = failed_chunks_allowed(spec.chunks);
    if (spec.chunks > 0) spec.halt = halt_rule(options_.halt, spec.chunks);
  }
  const auto created = board.create(spec, fresh_ || earlier == run_, options_.accept_program);
  if (created.refusal == Refusal::identity) {
    throw Error(Exit::other_run, "run " + run_ + " has just been made with other content; give another --run-id");
  }
  if (created.refusal == Refusal::program) refuse_program(created.state);
  if (!earlier.empty()) let_go_of(earlier);
  joined_ = !launched_.restarted() && created.state.field("owner") != spec.owner;
  if (there || joined_) {
    reap_known_gone(board, created.state.generation, Whereabouts::here());
    const auto others = board.workers().size();
    const auto joined = others == 0 ? "is joined, as another world begins it" : "is joined, beside " + counted(others, "worker");
    display_->say(fmt::format("run {} {}: {} of {} are done{}", run_, joined_ ? joined : "goes on",
                              grouped(created.state.done), counted(created.state.chunks, job_->item()),
                              guest() ? "; this world leaves when nothing is left for it (--wait: it stays for the result)" : ""));
  } else {
    display_->log(fmt::format("run {}: {}", run_, counted(created.state.chunks, job_->item())));
  }
  return true;
}

bool RunCommand::await_run() {
  const auto word = await_word(board_, world_id_, options_.board_timeout, [this] { return rank_0_lost(); });
  if (!word) return false;
  run_ = word->run;
  seed_ = word->seed;
  program_ = word->program;
  choose(word->job);
  apply_options(*job_options_, word->options, false);
  joined_ = word->joined;
  return true;
}

// False: the run has ended meanwhile.
bool RunCommand::take_plan() {
  RedisBlackboard board(board_, run_);
  const auto state = board.state();
  if (!state) throw Error(Exit::board, "run " + run_ + " is no longer on the blackboard; the same command starts it again");
  if (state->state != "running") return false;
  adopt_stored_plan(*job_, board, *state, run_);
  identity_ = state->field("identity");
  computed_before_ = state->computed;
  done_before_ = state->done;
  return true;
}

}  // namespace stint
