// SPDX-License-Identifier: Apache-2.0
#include "cli/mpirun_process.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "cli/descendants.hpp"
#include "cli/terminal.hpp"
#include "engine/whereabouts.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace stint {
namespace {

constexpr double look_seconds = 0.5;
constexpr int output_seconds = 5;
// If its ranks died while they started, mpirun may wait for ever. Before the first rank it may be busy for longer.
constexpr double childless_seconds = 3;
constexpr double first_child_seconds = 20;
constexpr double after_grace_seconds = 10;  // to store the results of chunks that ended
constexpr double kill_seconds = 4;          // between SIGTERM and SIGKILL; mpirun itself gives its ranks some time

double now() { return SteadyClock().now(); }

}  // namespace

MpirunProcess::MpirunProcess(Settings settings, const CallFolder& folder, Terminal& terminal, ResultDelivery& delivery)
    : settings_(std::move(settings)),
      folder_(folder),
      terminal_(terminal),
      delivery_(delivery),
      bytes_before_(delivery.bytes),
      output_([this](std::string_view piece) { take_output(piece); }),
      errors_([this](std::string_view piece) { take_errors(piece); }) {
  start();
  output_.close_write_end();
  errors_.close_write_end();
}

void MpirunProcess::start() {
  std::vector<char*> arguments;
  for (const auto& word : settings_.words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  // The child reports a failed exec through the pipe; a successful exec closes it.
  int failure[2];
  if (::pipe2(failure, O_CLOEXEC) != 0) throw Error(Exit::usage, std::string("cannot make a pipe: ") + std::strerror(errno));
  UniqueFd read_end(failure[0]), write_end(failure[1]);
  const pid_t launcher = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {  // only calls that are safe after fork
    // The ranks die with mpirun (LaunchedRank). On SIGTERM mpirun would let them work on for a second, and results that they
    // finished in that time would not be printed.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setpgid(0, 0);  // signals of the terminal go only to the launcher
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, STDIN_FILENO);
    ::dup2(output_.write_end(), STDOUT_FILENO);
    ::dup2(errors_.write_end(), STDERR_FILENO);
    for (int signal : {SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGTSTP, SIGCHLD, SIGPIPE}) ::signal(signal, SIG_DFL);
    if (::getppid() == launcher) ::execvp(arguments[0], arguments.data());
    const int error = errno;
    [[maybe_unused]] const auto written = ::write(write_end.get(), &error, sizeof error);
    ::_exit(127);
  }
  int error = pid_ < 0 ? errno : 0;
  write_end.reset();
  if (error == 0) {
    while (::read(read_end.get(), &error, sizeof error) < 0 && errno == EINTR) {
    }
  }
  if (error != 0) {
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    const auto advice = shortage_advice(error);
    throw Error(Exit::usage, "cannot start " + settings_.words.front() + ": " + std::strerror(error) +
                                 (advice.empty() ? "; install Open MPI (Debian: apt install openmpi-bin)" : advice) + ", or run without -n");
  }
  last_child_seen_ = now();
}

// Stops the run: output that cannot be shown now can be shown later.
void MpirunProcess::fail_output(const Error& error) {
  const std::lock_guard lock(output_mutex_);
  if (dynamic_cast<const ReaderGone*>(&error) != nullptr) {
    delivery_.reader_gone = true;
  } else if (delivery_.error.empty()) {
    delivery_.error = error.what();
  }
  output_failed_ = true;
}

void MpirunProcess::take_output(std::string_view piece) {
  if (!piece.empty() && output_failed_) return;  // reads and drops the rest, so that ranks can end
  std::size_t written = 0;
  try {
    terminal_.out(piece);
    written = piece.size();
  } catch (const Error& error) {
    fail_output(error);
  }
  const std::lock_guard lock(output_mutex_);
  delivery_.bytes += written;
  output_ended_ = piece.empty();
  output_grew_.notify_all();
}

// stdout and stderr reach the launcher by two pipes: lines of a rank after its result wait until the result is written.
void MpirunProcess::await_output(std::uint64_t bytes) {
  std::unique_lock lock(output_mutex_);
  output_grew_.wait_for(lock, std::chrono::seconds(output_seconds),
                        [&] { return delivery_.bytes - bytes_before_ >= bytes || output_ended_ || output_failed_; });
}

void MpirunProcess::take_message(const std::string& message) {
  constexpr std::string_view printed = "printed ";
  if (!message.starts_with(printed)) return settings_.message(message);
  await_output(std::strtoull(message.c_str() + printed.size(), nullptr, 10));
}

// Lines of Stint's ranks begin on a new line, even after a result that does not end with a line end.
void MpirunProcess::take_errors(std::string_view piece) {
  constexpr std::string_view ours = "stint: ";
  const auto shown = without_noise(held_, piece, piece.empty(), folder_.mark(),
                                   [this](const std::string& message) { take_message(message); });
  try {
    for (std::string_view rest = shown; !rest.empty();) {
      auto line = rest.substr(0, rest.find('\n'));
      const bool whole = line.size() < rest.size();
      rest.remove_prefix(line.size() + (whole ? 1 : 0));
      if (whole && errors_begin_line_ && line.starts_with(ours)) {
        terminal_.line(line.substr(ours.size()));
      } else {
        terminal_.err(std::string(line) + (whole ? "\n" : ""));
      }
      errors_begin_line_ = whole;
    }
  } catch (const Error& error) {
    fail_output(error);  // output of commands or the job is lost, as on stdout
  }
}

// A rank that does not handle SIGUSR1 yet dies of it, and mpirun ends with it, which serves the purpose.
void MpirunProcess::press(const StopWish& wish) {
  const double time = now();
  if (wish.asked && asked_since_ < 0) asked_since_ = time;
  if (wish.at_once && at_once_since_ < 0) at_once_since_ = time;
  if (asked_since_ >= 0 && at_once_since_ < 0 && time - asked_since_ > settings_.grace + after_grace_seconds) at_once_since_ = time;
  if (at_once_since_ >= 0) {
    ::kill(pid_, time - at_once_since_ > kill_seconds ? SIGKILL : SIGTERM);
  } else if (asked_since_ >= 0) {
    ::kill(pid_, SIGUSR1);  // repeatedly: mpirun passes it on only to those ranks that it has started
  }
}

void MpirunProcess::obey(int signal, StopWish& wish) {
  if (signal == SIGCHLD) return;
  if (signal == SIGTSTP) {
    ::kill(pid_, SIGTSTP);  // mpirun stops its ranks, also on other hosts
    const auto stopped = stop_descendants(pid_);
    terminal_.end_bar();  // the shell writes there now; the next message draws the bar again
    ::raise(SIGSTOP);
    continue_processes(stopped);
    ::kill(pid_, SIGCONT);
    return;
  }
  if (signal == SIGINT && wish.asked) {
    if (!wish.at_once) terminal_.line("ends at once; what was at work is computed again when the same command continues");
    wish.at_once = true;
    return;
  }
  if (wish.asked) return;
  wish.asked = true;
  terminal_.line(fmt::format("stopping; chunks at work have up to {:g} s to end (--grace){}", settings_.grace,
                             signal == SIGINT ? "; Ctrl-C again ends at once" : ""));
}

bool MpirunProcess::has_child() const {
  std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", pid_));
  if (!children) return true;
  for (pid_t child = 0; children >> child;) {
    if (process_start(child) != 0) return true;
  }
  return false;
}

void MpirunProcess::end_if_childless() {
  if (!settings_.one_host) return;
  const double time = now();
  if (has_child()) {
    had_child_ = true;
    last_child_seen_ = time;
  } else if (std::filesystem::exists(folder_.shortage()) ||  // mpirun itself may have been unable to start a rank, and waits for it
             time - last_child_seen_ > (had_child_ ? childless_seconds : first_child_seconds)) {
    ::kill(pid_, SIGKILL);
  }
}

int MpirunProcess::wait(Signals& signals, StopWish& wish) {
  int status = 0;
  for (double looked = 0; ::waitpid(pid_, &status, WNOHANG) == 0;) {
    if (const auto signal = signals.wait(look_seconds)) obey(*signal, wish);
    if (output_failed_) wish.asked = true;
    if (now() - looked < look_seconds && !(wish.asked && asked_since_ < 0) && !(wish.at_once && at_once_since_ < 0)) continue;
    looked = now();
    press(wish);
    end_if_childless();
  }
  output_.finish();
  errors_.finish();
  return status;
}

}  // namespace stint
