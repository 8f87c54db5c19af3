// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"

#include "command_source.hpp"
#include "environment.hpp"
#include "expected_times.hpp"
#include "limits.hpp"
#include "output_paths.hpp"

#include <stint/text.hpp>

#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <sstream>
#include <stdexcept>

extern char** environ;

namespace stint::commands {
namespace {

// Maximum bytes of stdout, and of stderr, that a record carries. In the tree they lie until the leader unloads them; with a
// failure they stay for good.
constexpr std::uint64_t most_said = 200;  // bytes of the last line of standard error, kept with a failure
constexpr std::uint64_t carried_bytes = std::uint64_t{1} << 20;
constexpr std::uint64_t carried_bytes_of_failed = std::uint64_t{16} << 10;
constexpr std::uint64_t carried_bytes_of_partial = std::uint64_t{32} << 20;  // well below --partial-limit

std::string name_of_signal(int signal) {
  const char* name = ::strsignal(signal);
  return std::string(name != nullptr ? name : "a signal") + " (signal " + std::to_string(signal) + ")";
}

std::string why_failed(const Ended& ended) {
  if (!ended.why.empty()) return ended.why;
  if (ended.output_error != 0)
    return "cannot keep its output in " + Scratch::folder() + ": " + std::strerror(ended.output_error) + "; set TMPDIR";
  if (ended.timed_out) return "timed out after " + std::to_string(static_cast<long>(ended.seconds)) + " s";
  return ended.signal != 0 ? name_of_signal(ended.signal) : "exit code " + std::to_string(ended.exit);
}

std::string host_name() {
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  return host;
}

void check_folder(const std::string& workdir) {
  if (workdir.empty()) return;
  std::error_code error;
  const bool good = std::filesystem::is_directory(workdir, error);
  if (!good) throw BadInput("cannot use --workdir " + workdir + ": " + (error ? error.message() : "it is not a folder"));
}

// Moves the carried output of a record into a log.
void unload_into(OutputLog& log, Record& record) {
  try {
    record.copy = log.append(record.carried);
  } catch (const std::runtime_error& error) {
    throw BadInput(error.what());  // the same command continues once there is room
  }
  record.carried = {};
}

}  // namespace

void Commands::options(Options& options) {
  options.add_words(
      "FILE | COMMAND", words_,
      "a file of commands, one a line (- is standard input), or a command with {} and ::: VALUE… or :::: FILE…; without "
      "those, the lines of standard input are its values. Behind the first word all is the command's");
  options.add_word("each", "FILE", each_, "file whose lines are the values of {}, as :::: FILE; given twice, of {1} and {2}");
  options.add("null", null_, "a NUL byte ends each value and command that is read, not a line end (also -0)");
  options.add_word("timeout", "TIME|N%", timeout_, "time after which a command is ended, or N% of the median", OptionKind::run_time);
  options.add("shuf", shuffle_, "begin the commands in a random order; outputs keep that of the list");
  options.add_word("expect", "FILE", expect_, "job log of an earlier run, for the time of each command: the longest begin first");
  options.add_seconds("delay", delay_, "time between two beginnings on a rank", OptionKind::run_time);
  options.add_bytes(
      "memfree", memory_free_,
      "begin a command only with so much memory free; below half of it, the youngest is ended and tried again",
      OptionKind::run_time);
  options.add_folder("workdir", workdir_, "folder in which commands run");
  settings_.add_to(options);
  options.add("unordered", report_options_.unordered, "show outputs as commands end, not in the order of the list",
              OptionKind::result);
  options.add("tag", report_options_.tag, "show each line of output behind the values of its command",
              OptionKind::result);
  options.add_word("results", "DIR", report_options_.results, "folder for the output of each command, in a tree as GNU parallel's",
              OptionKind::result);
  options.add("chunk", only_, "show the output of the command of this number alone (as in result RUN --chunk 17)", OptionKind::result);
  options.add("stderr", only_stderr_, "with --chunk: its standard error", OptionKind::result);
  options.add_word("joblog", "FILE", report_options_.joblog, "file for a line on each command, as GNU parallel writes it",
              OptionKind::result);
  options.add_word("failed", "FILE", report_options_.failed, "file for the commands that failed, to be given as FILE again",
              OptionKind::result);
  options.reads([this] { return texts_read(); });
  options.writes([this] {
    return std::vector<Options::Written>{{"--joblog", report_options_.joblog}, {"--failed", report_options_.failed}};
  });
}

// The paths of the files with commands, values, times and settings.
std::vector<std::string> Commands::texts_read() const {
  auto paths = CommandSource{words_, each_, null_}.paths();
  if (!expect_.empty()) paths.push_back(expect_);
  for (auto& path : settings_.paths()) paths.push_back(std::move(path));
  return paths;
}

// Checks what can be checked before any command starts.
void Commands::check() const {
  limits_of(timeout_, delay_, memory_free_, host_name());
  check_folder(workdir_);
  try_output_paths(report_options_);
}

std::string Commands::source() {
  if (!read_) {
    try {
      check();
      auto read = CommandSource{words_, each_, null_}.read();
      plan_ = std::move(read.list);
      nothing_there_ = !read.is_there;
      missing_ = read.missing;
    } catch (const std::invalid_argument& error) {
      throw BadInput(error.what());
    }
    read_ = true;
  }
  if (nothing_there_) return "";
  std::string source = "commands:";
  for (std::uint64_t number = 1; number <= plan_.size(); ++number) (source += plan_.text(number)) += '\0';
  return source;
}

// By text. Of several equal commands, the first takes over the earliest one that has ended. A failed command stays failed.
std::string Commands::take_over(const CommandList& old, const std::vector<Records>& records,
                                const std::vector<FailedChunk>& failed) {
  source();
  std::map<std::string_view, std::uint64_t> left;  // text of the old list → how often
  for (std::uint64_t number = 1; number <= old.size(); ++number) left[old.text(number)] += 1;
  std::map<std::string_view, std::deque<Earlier>> ended;
  std::vector<bool> known(old.size());  // by number - 1
  auto add = [&](const Record& record, const std::string& error) {
    if (record.number == 0 || record.number > old.size()) return;
    ended[old.text(record.number)].push_back({record, error});
    known[record.number - 1] = true;
  };
  for (const auto& list : records) {
    list.each([&](const Record& record) { add(record, ""); });
  }
  for (const auto& chunk : failed) {
    if (const auto record = record_in(chunk.detail)) add(*record, chunk.error);  // without a record nothing is known
  }
  // Commands that the old list itself took over, but had not returned yet.
  for (std::uint64_t number = 1; number <= old.size(); ++number) {
    if (known[number - 1]) continue;
    if (auto earlier = old.earlier(number)) ended[old.text(number)].push_back(std::move(*earlier));
  }
  std::uint64_t spared = 0, added = 0;
  for (std::uint64_t number = 1; number <= plan_.size(); ++number) {
    const auto was = left.find(plan_.text(number));
    if (was == left.end() || was->second == 0) {
      added += 1;
    } else {
      was->second -= 1;
    }
    const auto found = ended.find(plan_.text(number));
    if (found == ended.end() || found->second.empty()) continue;
    plan_.add_earlier(number, found->second.front());
    found->second.pop_front();
    spared += 1;
  }
  std::uint64_t removed = 0;
  for (const auto& [text, times] : left) removed += times;
  return "the list has changed: " + std::to_string(added) + " commands are new, " + std::to_string(removed) +
         " are gone; of the others " + std::to_string(spared) + " have run, and do not run again";
}

CommandList Commands::plan(const Context& context) {
  source();
  if (!missing_.empty()) throw BadInput(missing_);
  auto list = plan_;  // a copy: if the blackboard is lost meanwhile, plan is called again
  std::optional<OutputLog> log;  // for outputs that a run of the old list left in its tree
  for (std::uint64_t number = 1; number <= list.size(); ++number) {
    auto earlier = list.earlier(number);
    if (!earlier || earlier->record.carried.empty()) continue;
    if (!log) log.emplace(context.store_dir(), "earlier." + host_name() + "." + std::to_string(::getpid()));
    unload_into(*log, earlier->record);
    list.add_earlier(number, *earlier);
  }
  if (!shuffle_ && expect_.empty()) return list;
  std::vector<std::uint64_t> order(list.size());
  std::iota(order.begin(), order.end(), std::uint64_t{1});
  if (shuffle_) {
    std::mt19937_64 random(context.seed(0));
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  }
  std::vector<double> seconds;  // expected, by chunk
  if (!expect_.empty()) {
    const auto known = times_of_joblog(read_text(expect_), expect_);
    double mean = 0;
    for (const auto& [text, time] : known) mean += time / static_cast<double>(known.size());
    auto expected = [&](std::uint64_t number) {
      const auto found = known.find(in_joblog(list.text(number)));
      return std::max(1e-3, found == known.end() ? mean : found->second);
    };
    std::ranges::stable_sort(order, std::greater<>(), expected);
    std::ranges::transform(order, std::back_inserter(seconds), expected);
  }
  list.begin_in(std::move(order), std::move(seconds));
  return list;
}

std::vector<std::string> Commands::environment(const Context& context) const {
  auto variables = user_environment(environ, std::getenv("STINT_ENVIRONMENT"));
  for (const auto& setting : settings_.variables()) set_variable(variables, setting);
  variables.push_back("STINT_RUN=" + context.run());
  variables.push_back("STINT_WORKER=" + context.worker());
  return variables;
}

void Commands::prepare(const Context& context) {
  check_folder(workdir_);
  try {
    Scratch().fresh();  // if outputs cannot be kept, no command starts
    processes_ = std::make_shared<Processes>(environment(context), workdir_, limits_of(timeout_, delay_, memory_free_, host_name()));
    log_ = std::make_shared<OutputLog>(context.store_dir(), context.worker());
    keeper_ = std::make_shared<Keeper>(context.worker());
  } catch (const BadInput&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw BadInput(error.what());
  }
  if (auto command = CommandSource{words_, each_, null_}.command()) template_ = std::make_shared<Template>(*std::move(command));
}

// For a template with values, its own words decide whether a shell is needed, whatever the values hold.
std::vector<std::string> Commands::words_of(const Command& command, const std::string& slot) const {
  if (!template_ || command.values.empty()) return processes_->words_of(command.text);
  auto words = template_->words(command.values, command.number, slot);
  if (words && !processes_->is_function(words->front())) return *std::move(words);
  return processes_->words_of(template_->uses_slot() ? template_->expand(command.values, command.number, slot) : command.text);
}

// Runs the command to its end. If it cannot start, throws BadInput, which ends the run: no command has failed.
Ended Commands::run(const Command& command, const Context& context, Files& files) const {
  const auto slot = std::to_string(context.slot() + 1);
  const std::vector<std::string> more{"STINT_CHUNK=" + std::to_string(context.chunk()),
                                      "STINT_ATTEMPT=" + std::to_string(context.attempt()), "STINT_SLOT=" + slot};
  const auto words = words_of(command, slot);
  const Processes::Caller caller{[&] { return context.stop_requested(); }, [&] { return context.abandon_requested(); },
                                 [&](int pid) { context.tell("pid " + std::to_string(pid)); },
                                 [&](const std::string& what) { context.tell(what); }};
  std::optional<Ended> ended;
  while (!ended) {
    if (context.stop_requested()) throw std::runtime_error("told to stop");
    try {
      const int out = files.out.fresh();
      const int err = files.err.fresh();
      ended = processes_->run(words, more, out, err, caller);
    } catch (const std::runtime_error& error) {
      throw BadInput(std::string(error.what()) + "; the same command goes on then");
    }
  }
  if (ended->abandoned) throw std::runtime_error("told to stop");
  return *ended;
}

Records Commands::compute(const Command& command, const Context& context, Files& files) const {
  if (command.earlier && context.attempt() == 1) {  // with --retries, a failed one gets its other attempts
    auto record = command.earlier->record;
    record.number = command.number;
    if (!command.earlier->error.empty()) throw ChunkError(command.earlier->error, text_of(record));
    return Records(record);
  }
  Record record;
  record.number = command.number;
  record.host = host_name();
  const auto ended = run(command, context, files);
  const bool cut = ended.output_error != 0;
  record.exit = ended.timed_out || (cut && ended.exit == 0) ? -1 : ended.exit;
  record.signal = ended.signal;
  record.start = ended.start;
  record.seconds = ended.seconds;
  const bool failed = cut || record.exit != 0 || record.signal != 0;
  try {
    record.place = log_->append(files.out, files.err);
    const auto limit = failed ? carried_bytes_of_failed : carried_bytes;
    if (failed) record.said = files.err.last_line(most_said);
    if (!context.store_shared()) record.carried = {files.out.beginning(limit), files.err.beginning(limit)};
  } catch (const std::runtime_error& error) {
    throw BadInput(error.what());  // no chunk can keep its output; the same command continues once there is room
  }
  if (!failed) return Records(record);
  throw ChunkError(why_failed(ended), text_of(record));
}

void Commands::reduce(Records& left, Records right) const {
  if (left.carried() + right.carried() > carried_bytes_of_partial) {  // too much for one partial: the host still has the whole
    right.change([](Record& record) { record.carried = {}; });
  }
  left.add(std::move(right));
}

void Commands::begin_follow(const CommandList& plan, const Context& context) {
  if (only_ >= 0) {
    if (only_ == 0 || static_cast<std::uint64_t>(only_) > plan.size()) {
      throw BadInput("there is no command " + std::to_string(only_) + ": they have the numbers 1 to " +
                     std::to_string(plan.size()) + ", as in the job log");
    }
    report_options_.only = static_cast<std::uint64_t>(only_);
    report_options_.only_stderr = only_stderr_;
    report_options_.joblog = report_options_.failed = report_options_.results = "";
  }
  list_ = &plan;  // the plan outlives the report
  report_ = std::make_shared<Report>(report_options_, plan, context.store_dir(), context.call_file(), host_name());
}

void Commands::unload(Records& records) {
  if (records.carried() == 0) return;
  records.change([&](Record& record) {
    if (record.carried.empty()) return;
    if (const auto known = copies_.find(record.number); known != copies_.end()) {
      record.copy = known->second;
      record.carried = {};
    } else {
      unload_into(*log_, record);
      copies_[record.number] = record.copy;
    }
  });
}

void Commands::follow(Range, const Records& records, Output& output) {
  records.each([&](const Record& record) { report_->take(record, "", output); });
  report_->settle(output);
}

// A failure without a record is not the command's own: its rank died, or the chunk was given up.
void Commands::follow_failure(const FailedChunk& failed, Output& output) {
  auto record = record_in(failed.detail);
  if (!record) {
    record.emplace();
    record->number = list_->number_of(failed.chunk);
    record->host = failed.host;
    record->exit = -1;
  }
  report_->take(*record, failed.error, output);
  report_->settle(output);
}

// The run halted: shows the outputs that wait for commands which will not end now.
void Commands::follow_end(Output& output) {
  report_->tell_waiting(output);
  report_->settle(output);
  report_->refuse_losses();
  if (only_ >= 0 && !report_->told_any()) {
    throw BadInput("command " + std::to_string(only_) + " has not ended");
  }
}

void Commands::finish(Records, Output& output) {
  output.text().flush();
  if (report_) report_->refuse_losses();
}

}  // namespace stint::commands
