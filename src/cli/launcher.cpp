// SPDX-License-Identifier: Apache-2.0
#include "cli/launcher.hpp"

#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/program.hpp"
#include "base/text_input.hpp"
#include "cli/call_folder.hpp"
#include "cli/launched_rank.hpp"
#include "cli/mpirun_process.hpp"
#include "cli/result_output.hpp"
#include "cli/terminal.hpp"
#include "mpi/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace stint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_in_variable = 60 << 10;  // bytes; the kernel accepts 128 KiB a variable, mpirun less
constexpr int default_restarts = 5;
constexpr std::uint64_t most_looked_at = 4096;  // with a limit so far above the need, the processes need not be counted
constexpr int starts_before_plan = 3;  // after so many losses before the run is planned, another start would hardly do better

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  char quote = '\0';
  bool any = false;
  for (char c : text) {
    if (quote != '\0') {
      if (c == quote) {
        quote = '\0';
      } else {
        word.push_back(c);
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      any = true;
    } else if (c == ' ' || c == '\t') {
      if (any || !word.empty()) words.push_back(word);
      word.clear();
      any = false;
    } else {
      word.push_back(c);
    }
  }
  if (any || !word.empty()) words.push_back(word);
  return words;
}

// With fewer files mpirun loses its ranks, or hangs.
void refuse_few_files(int ranks) {
  const rlim_t needed = 32 + 4 * static_cast<rlim_t>(ranks);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= needed) return;
  throw Error(Exit::usage, "mpirun with " + std::to_string(ranks) + " ranks opens some " + std::to_string(needed) +
                               " files, and the user's limit is " + std::to_string(limit.rlim_cur) +
                               "; raise it (ulimit -n), or run without -n");
}

// The number of processes and threads of this user, as RLIMIT_NPROC counts them.
std::uint64_t tasks_of_user() {
  std::uint64_t tasks = 0;
  std::error_code error;
  for (fs::directory_iterator process("/proc", error), end; !error && process != end; process.increment(error)) {
    struct stat owner {};
    if (::stat(process->path().c_str(), &owner) != 0 || owner.st_uid != ::getuid()) continue;
    std::error_code gone;
    const fs::directory_iterator threads(process->path() / "task", gone);
    if (!gone) tasks += static_cast<std::uint64_t>(std::distance(begin(threads), fs::directory_iterator()));
  }
  return tasks;
}

// With fewer processes mpirun fails with many lines of its own, or hangs. The minimum: three threads of the launcher, four
// of mpirun, three of each rank.
void refuse_few_processes(int ranks) {
  const std::uint64_t needed = 7 + 3 * static_cast<std::uint64_t>(ranks);
  rlimit limit{};
  if (::geteuid() == 0 || ::getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  if (limit.rlim_cur > most_looked_at + needed) return;
  const auto there = tasks_of_user();
  if (there + needed <= limit.rlim_cur + 1) return;  // one of them is this process
  throw Error(Exit::usage, fmt::format("mpirun with {} ranks needs {} more processes and threads, and the user has {} of at most {}; raise the "
                                       "limit (ulimit -u), end what else runs, or run without -n", ranks, needed, there, limit.rlim_cur));
}

// The folder of a call; exists during the call.
class OwnFolder {
 public:
  OwnFolder() : folder_(make()) {}
  ~OwnFolder() {
    std::error_code ignored;
    fs::remove_all(folder_.path(), ignored);
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  [[nodiscard]] const CallFolder& operator*() const { return folder_; }

 private:
  static fs::path make() {
    const auto given = environment("TMPDIR");
    std::string name = (given.empty() ? "/tmp" : given) + "/stint-run-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      throw Error(Exit::usage, "cannot make a folder " + name + ": " + std::strerror(errno) + "; set TMPDIR");
    }
    return fs::absolute(name);
  }
  CallFolder folder_;
};

class Launch {
 public:
  Launch(const RunOptions& options, int argc, char** argv) : options_(options), argv_(argv, argv + argc) {}
  int operator()();

 private:
  std::vector<ReadOnce> read_texts(Signals& signals) const;
  void leave_for_ranks(const std::vector<ReadOnce>& texts);
  void set_environment() const;
  [[nodiscard]] bool one_host() const;
  [[nodiscard]] std::vector<std::string> words() const;
  int start_ranks(int number, Signals& signals);
  void take(const std::string& message);
  int ended_early(int status) const;
  int deliver(int code, const std::optional<ExitReport>& report);

  const RunOptions& options_;
  const std::vector<std::string> argv_;
  std::optional<OwnFolder> folder_;
  Terminal& terminal_ = Terminal::standard();
  StopWish wish_;
  ResultDelivery delivery_;
};

// The user may type for long. A signal may end the process now, since there is nothing to clean up; one that comes
// at the end stays in `signals`.
std::vector<ReadOnce> Launch::read_texts(Signals& signals) const {
  const std::jthread obedient([&](const std::stop_token& stop) {
    const std::stop_callback wake(stop, [&] { signals.wake(); });
    while (!stop.stop_requested()) {
      const auto signal = signals.wait(Signals::until_woken);
      if (signal == SIGTSTP) ::raise(SIGSTOP);
      if (!signal || signal == SIGTSTP || signal == SIGCHLD) continue;
      if (!options_.quiet) terminal_.last_line("stopped before the run began; the same command continues");
      ::_exit(static_cast<int>(Exit::interrupted));
    }
  });
  return read_once(options_.texts);
}

void Launch::leave_for_ranks(const std::vector<ReadOnce>& texts) {
  const auto& folder = **folder_;
  write_words(folder.arguments(), argv_);
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  write_words(folder.environment(), variables);
  ::chmod(folder.environment().c_str(), 0600);
  keep_texts(texts, folder.path());  // ranks have no standard input
}

// Sets variables that mpirun passes on to the ranks.
void Launch::set_environment() const {
  const auto& folder = **folder_;
  ::setenv(LaunchedRank::folder_variable, folder.path().c_str(), 1);
  ::setenv(LaunchedRank::host_variable, host_and_boot().c_str(), 1);
  if (outputs_meet()) ::setenv(LaunchedRank::outputs_meet_variable, "1", 1);
  ::setenv("STINT_ENVIRONMENT", folder.environment().c_str(), 1);
  if (const auto encoded = encode_arguments(argv_); encoded.size() <= most_in_variable) {
    ::setenv(LaunchedRank::arguments_variable, encoded.c_str(), 1);
  }
  if (::geteuid() == 0) {
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
  }
  // Only for the launcher itself.
  for (const char* name : {"STINT_RANKS", "STINT_HOSTFILE", "STINT_MPIRUN"}) ::unsetenv(name);
}

bool Launch::one_host() const {
  return options_.hostfile.empty() && options_.mpirun.find("host") == options_.mpirun.npos &&
         std::atoi(environment("SLURM_JOB_NUM_NODES").c_str()) < 2;
}

std::vector<std::string> Launch::words() const {
  auto words = launch_words();
  words.insert(words.end(), {"-n", std::to_string(options_.ranks)});
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string name(*variable, std::strcspn(*variable, "="));
    if (name.starts_with("STINT_") || name == "SLURM_JOB_END_TIME") words.insert(words.end(), {"-x", name});
  }
  if (!options_.hostfile.empty()) words.insert(words.end(), {"--hostfile", options_.hostfile});
  for (auto& word : split_words(options_.mpirun)) words.push_back(std::move(word));
  words.push_back(fs::read_symlink("/proc/self/exe").string());
  words.emplace_back(LaunchedRank::argument);
  return words;
}

void Launch::take(const std::string& message) {
  if (message == "begun") std::ofstream((**folder_).begun()) << '\n';
  if (message.starts_with("exit ")) leave_note((**folder_).exit(), message.substr(5) + "\n");
  if (message.starts_with("bar ")) {
    if (const auto fields = BarFields::decode(message.substr(4))) terminal_.bar(*fields);
  }
}

int Launch::start_ranks(int number, Signals& signals) {
  const auto& folder = **folder_;
  ::setenv(LaunchedRank::start_variable, std::to_string(number).c_str(), 1);
  std::error_code ignored;
  for (const auto& file : {folder.ticket(), folder.lead_lock()}) fs::remove(file, ignored);
  MpirunProcess::Settings settings;
  settings.words = words();
  settings.one_host = one_host();
  settings.grace = options_.grace;
  settings.message = [this](const std::string& message) { take(message); };
  const int status = MpirunProcess(std::move(settings), folder, terminal_, delivery_).wait(signals, wish_);
  terminal_.end_bar();
  // An exit code that ranks report after their mpirun was lost does not count, unless one has printed the result.
  if (const auto report = folder.exit_report(); WIFSIGNALED(status) && report && !report->result_bytes &&
                                                    !fs::exists(folder.shortage())) {
    fs::remove(folder.exit(), ignored);
  }
  return status;
}

// The run has ended with `code`; bytes that stdout did not take are an error.
int Launch::deliver(int code, const std::optional<ExitReport>& report) {
  if (delivery_.reader_gone) {
    folder_.reset();
    end_of_pipe();
  }
  if (!delivery_.error.empty()) {
    terminal_.line(delivery_.error + written_later());
    return static_cast<int>(Exit::usage);
  }
  if (report && report->result_bytes && delivery_.bytes < *report->result_bytes) {
    terminal_.line(fmt::format("mpirun passed on {} of {} bytes of the result; {} prints all of it", delivery_.bytes,
                               *report->result_bytes, typed("result last")));
    return static_cast<int>(Exit::interrupted);
  }
  return code;
}

// No rank reported an exit code, and the ranks are not started again.
int Launch::ended_early(int status) const {
  const bool begun = fs::exists((**folder_).begun());
  std::string line;
  auto exit = Exit::interrupted;
  if (wish_.asked) {
    if (!wish_.at_once) line = begun ? "the run was interrupted" : "stopped before the run was planned";
  } else if (fs::exists((**folder_).shortage())) {
    line = "no rank could go on, for want of a thread, process or file" + shortage_advice(EAGAIN);
  } else if (!begun && WIFEXITED(status) && WEXITSTATUS(status) != 0) {
    auto tried = launch_words();
    std::erase(tried, "-q");
    if (!options_.hostfile.empty()) tried.insert(tried.end(), {"--hostfile", options_.hostfile});
    if (!options_.mpirun.empty()) tried.push_back(options_.mpirun);
    line = fmt::format("mpirun ended with exit code {} before the run did; to see why: {} -n {} hostname", WEXITSTATUS(status),
                       fmt::join(tried, " "), options_.ranks);
    exit = Exit::usage;
  } else {
    line = fmt::format("every rank was lost before the run {}", begun ? "ended" : "was planned");
  }
  if (exit == Exit::interrupted && !line.empty()) line += "; the same command continues";
  if (!line.empty()) terminal_.line(line);
  return static_cast<int>(exit);
}

int Launch::operator()() {
  terminal_.set_seconds_between_lines(options_.progress ? lines_wished : lines_unasked);
  refuse_few_files(options_.ranks);
  refuse_few_processes(options_.ranks);
  Signals signals{SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGTSTP, SIGCHLD};
  const auto texts = read_texts(signals);
  folder_.emplace();
  leave_for_ranks(texts);
  set_environment();
  // A chunk may kill several ranks before it has failed for good: so ranks that are all lost are started again.
  for (int number = 0;; ++number) {
    const int status = start_ranks(number, signals);
    const auto report = (**folder_).exit_report();
    if (report) return deliver(report->code, report);
    if (delivery_.failed()) return deliver(static_cast<int>(Exit::interrupted), report);
    const bool begun = fs::exists((**folder_).begun());
    const bool failed = WIFEXITED(status) && WEXITSTATUS(status) != 0 && !begun;
    const int restarts = options_.restarts.value_or(default_restarts);
    const int most = begun ? restarts : std::min(restarts, starts_before_plan - 1);
    if (failed || wish_.asked || number >= most || fs::exists((**folder_).shortage())) return ended_early(status);
    terminal_.line(fmt::format("every rank was lost before the run ended; starting them again ({} of at most {})", number + 1,
                               restarts));
  }
}

// Open MPI 4 compresses its list of hosts by a pattern that allows no other characters, and fails to start if this host's
// name has one, such as `my_host`.
bool has_plain_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  const std::string_view host = name;
  return host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == host.npos;
}

}  // namespace

// With -q, mpirun does not report a hostfile that it cannot read. A variable such as STINT_HOSTFILE may be
// meant for other calls.
void check_launch_options(const RunOptions& options) {
  const auto needs_n = [&](const char* option, const std::string& value, const char* variable) {
    if (options.ranks == 0 && !value.empty() && value != environment(variable)) {
      throw Error(Exit::usage, std::string(option) + " is for the ranks that -n starts; add -n N, or leave it away");
    }
  };
  needs_n("--hostfile", options.hostfile, "STINT_HOSTFILE");
  needs_n("--mpirun", options.mpirun, "STINT_MPIRUN");
  needs_n("--restarts", options.restarts ? std::to_string(*options.restarts) : "", "STINT_RESTARTS");
  if (options.ranks == 0 || options.hostfile.empty()) return;
  std::error_code error;
  const bool folder = fs::is_directory(options.hostfile, error);
  const int failed = folder ? EISDIR : ::access(options.hostfile.c_str(), R_OK) == 0 ? 0 : errno;
  if (failed == 0) return;
  throw Error(Exit::usage, "cannot read --hostfile " + options.hostfile + ": " + std::strerror(failed) +
                               "; it holds a line 'name slots=N' for each host");
}

std::vector<std::string> launch_words() {
  std::vector<std::string> words{"mpirun", "--enable-recovery", "--bind-to", "none", "--oversubscribe"};
  if (mpi::major_version() < 5 && !has_plain_name()) words.insert(words.end(), {"--mca", "regx", "naive"});
  if (mpi::major_version() < 5) words.push_back("-q");  // Open MPI 5 has no banners, and rejects -q
  return words;
}

int launch(const RunOptions& options, int argc, char** argv) { return Launch(options, argc, argv)(); }

}  // namespace stint
