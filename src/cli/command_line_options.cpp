// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.hpp"

#include "cli/job_options.hpp"
#include "cli/run_flags.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

namespace stint {

namespace {

void add_board_options(CLI::App& app, BoardChoice& choice) {
  add(app, "--board", choice.board, "blackboard to look at (default: your own)")->type_name("URL");
  add(app, "--board-file", choice.board_file, "file (mode 600) that holds its address")->type_name("FILE");
}

}  // namespace

void CommandLine::add_run() {
  run_ = app_.add_subcommand("run", "compute a job, or go on with it, or show its stored result");
  add_new_run_options(*run_, options_);
  add_run_options(*run_, options_);
  run_->fallthrough(false);
  const bool single = jobs_.size() == 1;
  for (const auto& entry : jobs_) {
    auto candidate = std::make_unique<Candidate>();
    candidate->job = entry.make();
    candidate->job->options(candidate->options);
    if (single) {
      candidate->app = run_;
    } else {
      candidate->app = run_->add_subcommand(std::string(entry.name), std::string(entry.about));
      candidate->app->fallthrough();
      std::string words;
      for (const auto& option : candidate->options.entries()) words += option.positional ? " " + option.type : "";
      candidate->app->footer("The options of run may stand here, too: see " + program_ + " run --help.\nExample:\n  " +
                             program_ + " run -n 4 " + std::string(entry.name) + words);
    }
    add_job_options(*candidate->app, candidate->options);
    job_parsers_.push_back({candidate->app, &candidate->options});
    candidates_.push_back(std::move(candidate));
  }
  const std::string example = single ? "" : " wordcount corpus/*.txt";
  if (!single) run_->require_subcommand(0, 1);
  run_->footer("Examples:\n  " + program_ + " run" + example + "\n  " + program_ + " run -n 8" + example +
               "\n  mpirun -n 8 " + program_ + " run" + example +
               "\nThe same command again goes on after any crash; on a finished run it prints the stored result.");
}

void CommandLine::add_other_verbs() {
  auto* ls = app_.add_subcommand("ls", "list the runs, newest first");
  add_list_options(*ls, listing_, program_);
  auto* status = app_.add_subcommand("status", "show how a run is doing");
  status->add_option("RUN", name_, "run id, the beginning of one, or 'last'")->required();
  status->add_flag("--json", json_, "as JSON: docs/json.md describes it");
  status->footer("Example:\n  " + program_ + " status last");
  auto* result = app_.add_subcommand("result", "print the result of a run again");
  result->add_option("RUN", name_, "run id, the beginning of one, or 'last'")->required();
  result->add_option("--output", output_, "file for the result (default: stdout)")->type_name("FILE");
  result->add_flag("--partial", partial_, "of a run that has not ended: what is there (the exit code stays 75)");
  result->allow_extras();
  result->footer("Options of the job that change only what is shown may follow.\nExample:\n  " + program_ +
                 " result last" + (jobs_.size() > 1 ? " --top 5" : ""));
  auto* rm = app_.add_subcommand("rm", "remove runs with all their data");
  add_remove_options(*rm, removal_, program_);
  auto* cancel = app_.add_subcommand("cancel", "end a run; what is done stays, and the same command goes on with it");
  cancel->add_option("RUN", name_, "run id, the beginning of one, or 'last'")->required();
  cancel->footer("Example:\n  " + program_ + " cancel last");
  auto* explain = app_.add_subcommand("explain", "say what became of a run, or of one of its chunks");
  explain->add_option("RUN", name_, "run id, the beginning of one, or 'last'")->required();
  explain->add_option("CHUNK", chunk_, "number of a chunk; of commands the one in the job log, from 1");
  explain->add_flag("--json", json_, "as JSON");
  explain->footer("Example:\n  " + program_ + " explain last 17");
  auto* rerun = app_.add_subcommand("rerun", "give the failed chunks of a run another life");
  rerun->add_option("RUN", options_.rerun, "run id, the beginning of one, or 'last'")->required();
  rerun->add_option("--chunks", chunk_list_, "just these of them, like 3,17,20-25")->type_name("LIST");
  rerun->add_flag("--failed", all_failed_, "all that failed (the default)")->excludes("--chunks");
  add_run_options(*rerun, options_);
  rerun->allow_extras();
  rerun->footer("With -n N, or under mpirun, they are computed at once; otherwise by the next command that runs it.\n"
                "Options of the job that are not part of what is computed may follow, such as --timeout of commands.\n"
                "Example:\n  " + program_ + " rerun last -n 4");
  auto* check = app_.add_subcommand("doctor", "check what this machine and the blackboard would do to a run");
  check->add_flag("--json", json_, "as JSON");
  check->add_option("--as-rank", trial_, "")->group("");
  check->footer("Exit codes: 0 nothing is bad, 2 something is, 3 the blackboard cannot be used.\nExample:\n  " + program_ +
                " doctor --board redis://host:6379");
  for (auto* app : {ls, status, result, rm, cancel, explain, check}) add_board_options(*app, choice_);
  auto* serve = app_.add_subcommand("serve", "start your own blackboard and print its address (run does so by itself)");
  serve->add_option("--home", home_, "folder for its data (default: $STINT_HOME)")->type_name("DIR");
  add_seconds_option(*serve, "--idle", guard_.idle, "time without a client after which it ends", fmt::format("{}", guard_.idle));
  serve->add_flag("--foreground", foreground_, "stay, and look after it here");
  serve->add_flag("--stop", stop_, "end it; the data stays");
  add_interface_option(*serve, guard_.interface);
  serve->add_option("--ready", guard_.ready, "")->group("");
  serve->add_option("--job", guard_.job, "")->group("");
  serve->footer("Example:\n  export STINT_BOARD=$(" + program_ + " serve)");
  auto* fresh = app_.add_subcommand("new", "make a project of your own in a new folder");
  fresh->add_option("NAME", name_, "name of the folder, the program and the job")->required();
  fresh->footer("Example:\n  " + program_ + " new pi && cd pi");
}

}  // namespace stint
