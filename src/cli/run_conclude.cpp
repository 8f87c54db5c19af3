// SPDX-License-Identifier: Apache-2.0
#include "cli/run_command.hpp"

#include "base/clock.hpp"
#include "base/program.hpp"
#include "blackboard/directory.hpp"
#include "cli/failure_lines.hpp"
#include "cli/halt_option.hpp"
#include "cli/stored_result.hpp"
#include "cli/summary.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>

namespace stint {

bool RunCommand::report_exit(int code, bool with_result) const {
  ExitReport report{code, std::nullopt};
  if (with_result) report.result_bytes = Terminal::standard().written();
  return launched_.report_exit(report);
}

// Returns the exit code of this process. Only rank 0 may return another than 0: mpirun would end the ranks still at work.
int RunCommand::say_and_end(const std::string& line, Exit exit) {
  if (launched_.result_reported()) return 0;
  // Rank 0 reports what affects all ranks; without rank 0 the launcher reports lost ranks and starts them again. An error that
  // each rank finds itself, such as a damaged plan, is reported by the first.
  const bool befalls_all = exit == Exit::interrupted || exit == Exit::board;
  if (launched_.launched() && (befalls_all ? rank_ != 0 : !launched_.claim_error())) {
    display_->log(line);
  } else {
    display_->error(line);
  }
  const int code = error_code(static_cast<int>(exit));
  return rank_ == 0 && !report_exit(code, false) ? code : 0;
}

std::map<std::string, std::string> RunCommand::final_fields(const RunState& state) const {
  // The time of an earlier world, before it was cut off, does not count.
  const double first_claim = std::max(state.number("first_claim"), begun_unix_);
  std::map<std::string, std::string> fields{
          {"ranks", std::to_string(state.workers)},
          {"threads", std::to_string(threads_.count)},
          {"world", world_id_},
          {"seconds", fmt::format("{:.6f}", SteadyClock().now() - begun_)},
          {"compute_seconds", fmt::format("{:.6f}", std::max(0.0, state.number("last_end") - first_claim))}};
  if (job_->follows() || job_->side_effects()) fields["keep_plan"] = "1";
  return fields;
}

Halted RunCommand::halted(const RunState& state) const {
  auto halted = halt_of(halt_rule(options_.halt, state.chunks), state, job_->item(), options_.exit_count);
  halted.fields = {{"world", world_id_}};
  return halted;
}

int RunCommand::error_code(int code) const {
  return options_.exit_count && code != static_cast<int>(Exit::interrupted) && code != 0 ? 255 : code;
}

int RunCommand::code_of(const RunState& state) const {
  if (state.state != "partial") return static_cast<int>(Exit::complete);
  // A run that was to end after a number of successes, and has reached it, is complete without the other chunks.
  if (state.field("halt").find(";success;") != std::string::npos &&
      static_cast<double>(state.done) >= state.number("halt_at")) {
    return static_cast<int>(Exit::complete);
  }
  return options_.exit_count ? static_cast<int>(std::min<std::uint64_t>(state.failed, 101)) : static_cast<int>(Exit::partial);
}

void RunCommand::write_summary(const RunState& state, std::uint64_t computed_here) {
  if (options_.summary.empty()) return;
  if (!summary_) summary_ = std::make_unique<OutputFile>(options_.summary, "the summary");
  summary_->stream() << summary_json(state, computed_here) << '\n';
  summary_->publish();
}

int RunCommand::show_stored(RedisBlackboard& board, const RunState& state) {
  Directory(board_).list_again(run_, state.field("created"));
  show_stored_result(*job_, board, state, facts(), *output_, following_);
  result_is_out();
  const int code = code_of(state);
  write_summary(state, 0);
  display_->say(fmt::format("run {} is {}: {} of {}, nothing computed{}", run_, state.state, grouped(state.done),
                            counted(state.chunks, job_->item()),
                            state.state == "partial" ? "; " + typed("rerun " + run_) + " gives the failed chunks another life" : ""));
  return code;
}

// One line for each kind of failure, with its first chunk, and the total number.
void RunCommand::say_failures(RedisBlackboard& board, const RunState& state) {
  const auto failures = failed_chunks(board.failures());
  if (failures.empty()) return;
  const auto run_facts = facts();
  const auto lines = failure_lines(*job_, failures, Context(run_facts));
  for (const auto& line : lines) display_->error(line);
  const auto first = fmt::format("; the first, chunk {}: {}", failures.front().chunk, failures.front().error);
  display_->error(fmt::format("{} of {} {}s failed, the result is partial{}; {} {} them again",
                              grouped(state.failed), grouped(state.chunks), job_->item(), lines.empty() ? first : "",
                              typed("rerun " + run_ + " -n N"), job_->side_effects() ? "runs" : "computes"));
}

// Failures for which a run halts are reported as errors, as those of a run that ends.
void RunCommand::say_halted(RedisBlackboard& board, const std::string& why, int code) {
  const auto line = "run " + run_ + " " + why + "; the same command goes on with what is left";
  if (code == static_cast<int>(Exit::complete)) return display_->say(line);
  const auto run_facts = facts();
  for (const auto& each : failure_lines(*job_, failed_chunks(board.failures()), Context(run_facts))) display_->error(each);
  display_->error(line);
}

int RunCommand::conclude(const Outcome& outcome) {
  display_->stop();
  if (launched_.result_reported()) return 0;  // whatever has happened to the blackboard since
  RedisBlackboard board(board_, run_);
  int code = static_cast<int>(outcome.exit);
  auto kind = outcome.kind;
  if (kind == Outcome::Kind::ended && session_.leading() && output_ && rendered_) {
    // The board accepted this rank's result, and the answer was lost.
    const auto state = board.state();
    if (state && (state->state == "done" || state->state == "partial")) {
      kind = Outcome::Kind::finished;
      code = code_of(*state);
    }
  }
  bool with_result = kind == Outcome::Kind::finished;  // printed by this rank
  bool complete = with_result;
  bool says = rank_ == 0;  // what ended all ranks is reported once, by another rank if rank 0 is gone
  switch (kind) {
    case Outcome::Kind::finished: {
      const auto state = board.state();
      if (state) write_summary(*state, state->computed - computed_before_);
      if (output_ && launched_.claim_printing()) {
        if (guest() && !owned_ && state && options_.output.empty()) {
          show_stored(board, *state);
        } else {
          output_->publish();
          result_is_out();
        }
      }
      if (!state) break;
      code = code_of(*state);
      say_failures(board, *state);
      if (guest() && owned_ && options_.output.empty()) display_->say(typed("result " + run_) + " shows the result");
      display_->say(fmt::format(
          "run {}: {}: {} computed here, {} found in the checkpoint{}, {} computed again; {}, {} rank{} of {} thread{}",
          run_, counted(state->chunks, job_->item()), grouped(state->computed - computed_before_), grouped(done_before_),
          state->failed > 0 ? ", " + grouped(state->failed) + " failed" : "", grouped(state->again), duration(SteadyClock().now() - begun_), state->field("ranks"),
          state->field("ranks") == "1" ? "" : "s", threads_.count, threads_.count == 1 ? "" : "s"));
      break;
    }
    case Outcome::Kind::halted:
      result_is_out();
      say_halted(board, outcome.error, static_cast<int>(outcome.exit));
      complete = true;
      break;
    case Outcome::Kind::ended: {
      const auto state = board.state();
      says = state && state->state == "failed" && launched_.launched() ? launched_.claim_printing() : rank_ == 0;
      if (rank_ != 0 && !says) return 0;
      const bool ours = state && state->field("world") == world_id_;  // a rank of this world ended it
      if (state && state->state == "failed") {
        code = static_cast<int>(state->number("exit", static_cast<int>(Exit::defect)));
        const auto error = state->field("error");
        // The rank that ended the run may have said why.
        if (says && launched_.claim_error()) display_->error(error.empty() ? "the run failed" : in_words_of(*job_, error));
      } else if (state && (state->state == "done" || state->state == "partial")) {
        // A rank of this call that outlived its mpirun: its output was not shown.
        if (launched_.restarted()) {
          report_exit(show_stored(board, *state), true);
          return 0;
        }
        // That rank prints and reports; if it is lost before, the launcher starts the ranks again, and they show the result.
        if (launched_.launched() && ours) return 0;
        complete = true;
        if (ours || guest()) {
          display_->say("run " + run_ + " was finished by another rank; " + typed("result " + run_) + " shows it");
          code = code_of(*state);
        } else if (launched_.claim_printing()) {
          code = show_stored(board, *state);
          with_result = true;
        }
      } else if (state && state->fields.contains("exit")) {
        // The run halted; the leader reports that, if it belongs to this world.
        code = static_cast<int>(state->number("exit"));
        if (ours) return launched_.launched() ? 0 : code;
        if (job_->follows() && !guest() && launched_.claim_printing()) {
          show_stored_parts(*job_, board, *state, facts(), live_output(), true);
          result_is_out();
        }
        say_halted(board, state->field("error"), code);
        complete = true;
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
      if (guest() && rank_ == 0) {
        display_->say("nothing is left for this world; run " + run_ + " goes on without it, and " + typed("result " + run_) +
                      " shows the result when it is there");
        complete = true;
        break;
      }
      return launched_.launched() ? 0 : code;  // the rank that ends the run reports; if none does, the launcher starts the ranks again
    case Outcome::Kind::failed:
      // An error that ends all ranks is reported once; one that only this rank knows, by this rank.
      if (launched_.launched() && (outcome.exit == Exit::usage || outcome.exit == Exit::defect)) {
        says = launched_.claim_printing();
        if (says && launched_.claim_error()) display_->error(outcome.error);
      } else if (outcome.exit == Exit::interrupted || ((rank_ == 0 || session_.leading()) && launched_.claim_error())) {
        display_->error(outcome.error);
      }
      break;
  }
  if (!output_error_.empty() && kind != Outcome::Kind::failed) {
    display_->error(output_error_);
    code = static_cast<int>(Exit::usage);
    complete = false;
  }
  const bool speaks = rank_ == 0 || says || kind == Outcome::Kind::finished || kind == Outcome::Kind::halted;
  if (!complete) code = error_code(code);
  return speaks && !report_exit(code, with_result) ? code : 0;
}

}  // namespace stint
