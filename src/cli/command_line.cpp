// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.hpp"

#include <stint/detail/affinity.hpp>
#include <stint/input.hpp>

#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/own_folder.hpp"
#include "base/program.hpp"
#include "base/range_list.hpp"
#include "cli/board_address.hpp"
#include "cli/display.hpp"
#include "cli/doctor.hpp"
#include "cli/embedded.hpp"
#include "cli/explain.hpp"
#include "cli/home.hpp"
#include "cli/job_options.hpp"
#include "cli/launcher.hpp"
#include "cli/new_project.hpp"
#include "cli/output_paths.hpp"
#include "cli/run_flags.hpp"
#include "cli/status.hpp"
#include "cli/terminal.hpp"
#include "cli/usage_error.hpp"
#include "cli/verbs.hpp"
#include "mpi/world.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace stint {
namespace {

redis::Address address_of(const BoardChoice& choice) {
  const auto given = given_board(choice.board, choice.board_file);
  return given ? *given : existing_blackboard();
}

// None: the user has no blackboard yet.
std::optional<redis::Address> address_if_any(const BoardChoice& choice) {
  const auto given = given_board(choice.board, choice.board_file);
  return given ? given : blackboard_with_data();
}

}  // namespace

int CommandLine::run() {
  Candidate* chosen = nullptr;
  for (const auto& candidate : candidates_) {
    if (candidate->app == run_ || candidate->app->parsed()) chosen = candidate.get();
  }
  if (chosen == nullptr) refuse_word({}, *run_, "job");
  const auto bad = options_.run_id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+@");
  if (bad != options_.run_id.npos || options_.run_id == "last" || options_.run_id.size() > 200) {
    throw Error(Exit::usage, "'" + options_.run_id + "' cannot be a --run-id: give up to 200 letters, digits and . _ - + @, and not 'last'");
  }
  for (const auto& entry : chosen->options.entries()) {
    if (!entry.positional || !entry.required) continue;
    bool any = false;
    for (const auto& other : chosen->options.entries()) any = any || (other.inputs != nullptr && !other.inputs->empty());
    if (!any) {
      throw Error(Exit::usage, std::string(chosen->job->name()) + " has no input: give " + entry.name +
                                   "; see " + program_ + " run " + std::string(chosen->job->name()) + " --help");
    }
  }
  try {
    if (!launched_.launched()) refuse_shared_paths(options_, chosen->options);  // else the launcher has checked it
    if (options_.ranks > 1 && !launched_.launched()) options_.texts = chosen->options.texts_read();
  } catch (const std::invalid_argument& error) {
    throw Error(Exit::usage, error.what());
  }
  return start([&](const std::string&) { return ChosenJob{chosen->job.get(), &chosen->options}; });
}

int CommandLine::rerun() {
  const auto chunks = parse_range_list(chunk_list_);
  if (!chunks) throw Error(Exit::usage, "'" + chunk_list_ + "' is not a list of chunks: give --chunks a list like 3,17,20-25");
  options_.rerun_chunks = *chunks;
  options_.rerun_words = app_.get_subcommand("rerun")->remaining();
  if (options_.ranks == 0 && !mpi::under_launcher()) {
    check_launch_options(options_);
    if (!options_.rerun_words.empty()) {
      throw Error(Exit::usage, "'" + options_.rerun_words.front() + "' says how to compute, and nothing is computed here; give -n N, too");
    }
    const auto given = given_board(options_.board, options_.board_file);
    return mark_rerun(given ? *given : existing_blackboard(), options_.rerun, options_.rerun_chunks, jobs_);
  }
  return start([&](const std::string& name) {
    for (const auto& candidate : candidates_) {
      if (candidate->job->name() == name) return ChosenJob{candidate->job.get(), &candidate->options};
    }
    throw Error(Exit::usage, "run " + options_.rerun + " is of job '" + name +
                                 "', which this program does not have; use the program that computed it");
  });
}

// Computes in this process, as a rank of a world or alone, or starts a world.
int CommandLine::start(JobNamed job) {
  std::error_code gone;
  [[maybe_unused]] const auto here = std::filesystem::current_path(gone);
  if (gone) {
    throw Error(Exit::usage, "the working folder " + environment("PWD") + " cannot be used: " +
                                 gone.message() + "; cd to one that is there");
  }
  set_own_folder(home_path());
  if (!launched_.launched()) {
    check_launch_options(options_);
    const int ranks = mpi::under_launcher() ? 2 : options_.ranks;  // or more
    if (!options_.log.empty()) check_log(log_path(options_.log, mpi::rank_from_environment(), ranks), options_.ranks);
  }
  // Partials are allocated and freed by the megabyte; returning their pages each time would cost more than computing them.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  if (options_.ranks > 0 && !launched_.launched() && mpi::under_launcher()) {
    throw Error(Exit::usage, "-n inside mpirun or srun would start a world in a world; leave -n away");
  }
  if (!options_.board_file.empty() && options_.board.empty() && mpi::rank_from_environment() == 0 && !launched_.launched()) {
    await_board_file(options_.board_file, options_.board_timeout, [](const std::string& line) { std::fprintf(stderr, "stint: %s\n", line.c_str()); });
  }
  if (options_.ranks > 1 && !launched_.launched()) {
    given_board(options_.board, options_.board_file);  // an error there is reported once, before mpirun starts
    restore_affinity();  // mpirun and the ranks inherit it
    return launch(options_, argc_, argv_);
  }
  return run_job(options_, std::move(job), begun_, launched_);
}

bool CommandLine::has_subcommand(const CLI::App& app, const std::string& name) {
  return !app.get_subcommands([&](const CLI::App* choice) { return choice->get_name() == name; }).empty();
}

// The words of the command line, with `help VERB` as `VERB --help`, and options of other programs as Stint's own.
std::vector<std::string> CommandLine::words() {
  std::vector<std::string> words(argv_ + 1, argv_ + argc_);
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    if (!words.empty() && !words.front().starts_with('-') && !has_subcommand(app_, words.front())) {
      refuse_word(words, app_, "verb");
    }
    if (words.size() > 1 && words.front() == "run" && !words[1].starts_with('-') && !has_subcommand(*run_, words[1])) {
      refuse_word({words.begin() + 1, words.end()}, *run_, "job");
    }
    words.emplace_back("--help");
  }
  if (!words.empty() && words.front() == "rerun") words = in_our_words(words, *app_.get_subcommand("rerun"));
  return words;
}

// The parser sets the options of all verbs from their variables. Several verbs have the same option, and that of another
// verb would overwrite the value of the command line.
void CommandLine::read_variables_of(const std::string& verb) {
  for (auto* other : app_.get_subcommands([&](const CLI::App* each) { return each->get_name() != verb; })) {
    for (auto* option : other->get_options()) option->envname("");
  }
}

void CommandLine::parse() {
  auto all = words();
  if (!all.empty()) read_variables_of(all.front());
  CommandWords split;
  if (!all.empty() && all.front() == "run") {
    split = split_words({all.begin() + 1, all.end()}, *run_, job_parsers_);
    all.erase(all.begin() + 1, all.end());
    all.insert(all.end(), split.options.begin(), split.options.end());
  }
  std::ranges::reverse(all);  // the order that the parser takes
  app_.parse(std::move(all));
  refuse_empty_values(app_);
  if (split.job == nullptr) return;
  for (const auto& candidate : candidates_) {
    if (&candidate->options == split.job->options) set_positional(candidate->options, split.positional);
  }
}

int CommandLine::operator()() {
  app_.name(program_);
  app_.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app_.set_version_flag("-V,--version", std::filesystem::path(argv_[0]).filename().string() + " " STINT_VERSION);
  app_.require_subcommand(0, 1);
  app_.failure_message([](const CLI::App*, const CLI::Error& error) { return std::string(error.what()); });
  app_.footer(typed("VERB --help") + " says more about each verb.\n\nExit codes: 0 complete, 1 partial (failed chunks), 2 usage "
              "or bad input, 3 blackboard, 4 damaged data,\n5 the run id belongs to other content, 70 defect, 75 "
              "interrupted (the same command continues).");
  add_run();
  add_other_verbs();
  try {
    parse();
  } catch (const CLI::Success& wish) {
    if (mpi::rank_from_environment() != 0) return 0;
    std::ostringstream text;
    const int code = app_.exit(wish, text, text);
    print(text.str());
    return code;
  } catch (const CLI::ParseError& error) {
    return refuse_words(error, app_, jobs_.size() > 1 ? run_ : nullptr);
  }
  if (app_.get_subcommands().empty()) refuse_word({}, app_, "verb");
  const std::string verb = app_.get_subcommands().front()->get_name();
  if (!home_.empty()) ::setenv("STINT_HOME", home_.c_str(), 1);
  if (verb == "run") return run();
  if (verb == "ls") return list_runs(address_if_any(choice_), listing_, jobs_);
  if (verb == "status") return show_status(address_of(choice_), name_, json_, jobs_);
  if (verb == "result") {
    return show_result(address_of(choice_), name_, output_, partial_, jobs_, app_.get_subcommand("result")->remaining());
  }
  if (verb == "rm") return remove_runs(address_if_any(choice_), removal_);
  if (verb == "cancel") return cancel_run(address_of(choice_), name_);
  if (verb == "explain") return stint::explain(address_of(choice_), name_, chunk_, json_, jobs_);
  if (verb == "rerun") return rerun();
  if (verb == "doctor" && !trial_.empty()) return doctor_rank(trial_ == "lose");
  if (verb == "doctor") return doctor(given_board(choice_.board, choice_.board_file), json_);
  if (verb == "new") {
    std::ostringstream text;
    new_project(name_, text);
    print(text.str());
    return 0;
  }
  if (stop_) {
    std::fprintf(stderr, stop_embedded() ? "stint: the blackboard has ended; its data stays\n"
                                         : "stint: no blackboard of yours is running\n");
    return 0;
  }
  if (foreground_) {
    if (guard_.interface == "none") guard_.interface.clear();
    return guard(home_folder(), guard_);
  }
  ::setenv("STINT_IDLE", std::to_string(guard_.idle).c_str(), 1);
  const auto board = embedded_blackboard(guard_.interface, true);
  print((board.network ? *board.network : board.here).shown() + "\n");
  return 0;
}

}  // namespace stint
