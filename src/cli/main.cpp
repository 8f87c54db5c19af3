// SPDX-License-Identifier: Apache-2.0
// The command line: which verb, with what. Every error ends here as one line and an exit code.
#include <stint/detail/affinity.hpp>
#include <stint/main.hpp>

#include <stint/error.hpp>
#include <stint/input.hpp>

#include "base/error.hpp"
#include "base/own_folder.hpp"
#include "base/standard_descriptors.hpp"
#include "blackboard/blackboard.hpp"
#include "cli/board_address.hpp"
#include "cli/command_words.hpp"
#include "cli/doctor.hpp"
#include "cli/embedded.hpp"
#include "cli/guardian.hpp"
#include "cli/home.hpp"
#include "cli/job_options.hpp"
#include "cli/launched_rank.hpp"
#include "cli/launcher.hpp"
#include "cli/new_project.hpp"
#include "cli/output_paths.hpp"
#include "cli/explain.hpp"
#include "cli/run.hpp"
#include "cli/run_flags.hpp"
#include "cli/run_options.hpp"
#include "cli/status.hpp"
#include "cli/terminal.hpp"
#include "cli/usage_error.hpp"
#include "cli/verbs.hpp"
#include "cli/verbs/ls.hpp"
#include "cli/verbs/rm.hpp"
#include "mpi/world.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <malloc.h>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <system_error>
#include <vector>

namespace stint {
namespace {

struct Candidate {
  std::unique_ptr<AnyJob> job;
  Options options;
  CLI::App* app = nullptr;
};

struct BoardChoice {
  std::string board;
  std::string board_file;
};

void add_board_options(CLI::App& app, BoardChoice& choice) {
  add(app, "--board", choice.board, "blackboard to look at (default: your own)")->type_name("URL");
  add(app, "--board-file", choice.board_file, "file (mode 600) that holds its address")->type_name("FILE");
}

redis::Address address_of(const BoardChoice& choice) {
  const auto given = given_board(choice.board, choice.board_file);
  return given ? *given : existing_blackboard();
}

// None: there is no blackboard of one's own yet.
std::optional<redis::Address> address_if_any(const BoardChoice& choice) {
  const auto given = given_board(choice.board, choice.board_file);
  return given ? given : blackboard_with_data();
}

// "3,17,20-25": numbers of chunks, the last of a range included.
std::vector<Range> parse_list(const std::string& text) {
  std::vector<Range> ranges;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    Range range;
    const char* end = part.data() + part.size();
    auto read = std::from_chars(part.data(), end, range.first);
    range.last = range.first;
    if (read.ec == std::errc{} && read.ptr != end && *read.ptr == '-') read = std::from_chars(read.ptr + 1, end, range.last);
    if (read.ec != std::errc{} || read.ptr != end || range.last < range.first) {
      throw Error(Exit::usage, "'" + part + "' is no chunk: give --chunks a list like 3,17,20-25");
    }
    range.last += 1;
    ranges.push_back(range);
  }
  return ranges;
}

// With fewer mpirun loses its ranks, or hangs.
void refuse_few_files(int ranks) {
  const rlim_t needed = 32 + 4 * static_cast<rlim_t>(ranks);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= needed) return;
  throw Error(Exit::usage, "mpirun with " + std::to_string(ranks) + " ranks opens some " + std::to_string(needed) +
                               " files, and the user's limit is " + std::to_string(limit.rlim_cur) +
                               "; raise it (ulimit -n), or run without -n");
}

class CommandLine {
 public:
  CommandLine(int argc, char** argv, std::span<const JobEntry> jobs, double begun, LaunchedRank& launched)
      : argc_(argc), argv_(argv), jobs_(jobs), begun_(begun), launched_(launched), program_(std::filesystem::path(argv[0]).filename()) {}

  int operator()();

 private:
  void add_run();
  void add_other_verbs();
  int run();
  int rerun();
  int start(JobNamed job);
  std::vector<std::string> words();
  void parse();

  const int argc_;
  char** const argv_;
  const std::span<const JobEntry> jobs_;
  const double begun_;
  LaunchedRank& launched_;
  const std::string program_;
  CLI::App app_{"Farms a job out over MPI ranks that share one Redis as a blackboard; survives and resumes."};
  RunOptions options_;
  std::vector<std::unique_ptr<Candidate>> candidates_;
  std::vector<JobParser> job_parsers_;
  CLI::App* run_ = nullptr;

  BoardChoice choice_;
  bool json_ = false;
  ListOptions listing_;
  RemoveOptions removal_;
  std::string name_;
  std::string output_;
  bool partial_ = false;
  std::string home_;
  GuardOptions guard_;
  bool foreground_ = false;
  bool stop_ = false;
  std::string trial_;
  std::string chunk_;
  std::string chunk_list_;
  bool all_failed_ = false;
};

void CommandLine::add_run() {
  run_ = app_.add_subcommand("run", "compute a job, or go on with it, or show its stored result");
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
  refuse_shared_paths(options_, chosen->options);
  if (options_.ranks > 1 && !launched_.launched()) {
    try {
      options_.texts = chosen->options.texts_read();
    } catch (const std::invalid_argument& error) {
      throw Error(Exit::usage, error.what());
    }
  }
  return start([&](const std::string&) { return ChosenJob{chosen->job.get(), &chosen->options}; });
}

int CommandLine::rerun() {
  options_.rerun_chunks = parse_list(chunk_list_);
  options_.rerun_words = app_.get_subcommand("rerun")->remaining();
  if (options_.ranks == 0 && !mpi::under_launcher()) {
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

// Computes in this process, a rank of a world or alone, or starts the world.
int CommandLine::start(JobNamed job) {
  std::error_code gone;
  [[maybe_unused]] const auto here = std::filesystem::current_path(gone);
  if (gone) {
    const char* name = std::getenv("PWD");
    throw Error(Exit::usage, std::string("the working folder ") + (name != nullptr ? name : "") + " cannot be used: " +
                                 gone.message() + "; cd to one that is there");
  }
  set_own_folder(home_path());
  // Partials come and go by the megabyte; giving their pages back each time costs more than computing them.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  if (options_.ranks > 0 && !launched_.launched() && mpi::under_launcher()) {
    throw Error(Exit::usage, "-n inside mpirun or srun would start a world in a world; leave -n away");
  }
  if (!options_.board_file.empty() && options_.board.empty() && mpi::rank_from_environment() == 0 && !launched_.launched()) {
    await_board_file(options_.board_file, options_.board_timeout, [](const std::string& line) { std::fprintf(stderr, "stint: %s\n", line.c_str()); });
  }
  if (options_.ranks > 1 && !launched_.launched()) {
    given_board(options_.board, options_.board_file);  // what is wrong there is said once, and before mpirun starts
    refuse_few_files(options_.ranks);
    restore_affinity();  // mpirun and the ranks inherit it
    return launch(options_, argc_, argv_);
  }
  return run_job(options_, std::move(job), begun_, launched_);
}

// The words of the command line, with `help VERB` as `VERB --help`, and options of other programs as ours.
std::vector<std::string> CommandLine::words() {
  std::vector<std::string> words(argv_ + 1, argv_ + argc_);
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  if (!words.empty() && words.front() == "rerun") words = in_our_words(words, *app_.get_subcommand("rerun"));
  return words;
}

void CommandLine::parse() {
  auto all = words();
  CommandWords split;
  if (!all.empty() && all.front() == "run") {
    split = split_words({all.begin() + 1, all.end()}, *run_, job_parsers_);
    all.erase(all.begin() + 1, all.end());
    all.insert(all.end(), split.options.begin(), split.options.end());
  }
  std::ranges::reverse(all);  // as the parser takes them
  app_.parse(std::move(all));
  if (split.job == nullptr) return;
  for (const auto& candidate : candidates_) {
    if (&candidate->options == split.job->options) set_positional(candidate->options, split.positional);
  }
}

int CommandLine::operator()() {
  app_.name(program_);
  app_.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app_.set_version_flag("-V,--version", program_ + " " STINT_VERSION);
  app_.require_subcommand(0, 1);
  app_.failure_message([](const CLI::App*, const CLI::Error& error) { return std::string(error.what()); });
  app_.footer("stint VERB --help says more about each verb.\n\nExit codes: 0 complete, 1 partial (failed chunks), 2 usage "
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

// Every error ends as one line and an exit code.
template <class Step>
int exit_code_of(Step step) {
  try {
    return step();
  } catch (const Error& error) {
    return one_line(error.what(), error.exit());
  } catch (const BadInput& error) {
    return one_line(error.what(), Exit::usage);
  } catch (const DataLost& error) {
    return one_line(error.what(), Exit::damaged);
  } catch (const BoardLost& error) {
    return one_line(std::string(error.what()) + "; start the blackboard, or check --board", Exit::board);
  } catch (const std::exception& error) {
    if (const auto known = shortage(error)) return one_line(known->what(), known->exit());
    return one_line(std::string("defect: ") + error.what(), Exit::defect);
  }
}

}  // namespace

int run_main(int argc, char** argv, std::span<const JobEntry> jobs) {
  const double begun =
      std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  open_standard_descriptors();
  auto& terminal = Terminal::standard();
  std::signal(SIGPIPE, SIG_IGN);  // the reader of a pipe, or the blackboard, may go at any time
  bool is_rank = false;
  const TakenErrors errors;       // what jobs write to std::cerr
  const int code = exit_code_of([&] {
    LaunchedRank launched(argc, argv);
    is_rank = launched.launched();
    auto words = launched.arguments();
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return CommandLine(static_cast<int>(words.size()), pointers.data(), jobs, begun, launched)();
  });
  const int late = exit_code_of([&] {
    terminal.finish();
    return 0;
  });
  if (!is_rank) leave_embedded();  // the launcher does, after its ranks
  if (terminal.reader_gone()) end_of_pipe();
  return code != 0 ? code : late;
}

}  // namespace stint
