// SPDX-License-Identifier: Apache-2.0
#include "engine/crash_report.hpp"

#include "base/error.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <semaphore.h>
#include <unistd.h>

namespace stint {
namespace {

constexpr std::array signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr std::size_t stack_bytes = 64 << 10;
constexpr int wait_milliseconds = 5000;
constexpr int alive = -1, exit_called = 0;  // of death_signal
constexpr int no_code = -1;

std::array<std::atomic<std::uint64_t>, AtWork::most> at_work;
thread_local int number_in_team = -1;
thread_local const char* current_step = nullptr;

std::array<struct sigaction, signals.size()> before;
sem_t dying;
std::atomic<bool> armed{false};
std::atomic<int> death_signal{alive};
std::atomic<int> death_exit_code{0};
std::atomic<std::uint64_t> death_chunk{AtWork::nothing};
std::atomic<const char*> death_step{nullptr};
std::atomic<bool> reported{false};
std::atomic<int> end_code{no_code};

// The chunk of the calling thread. For a thread that the job started: the running chunk, if there is only one.
std::uint64_t chunk_of_this_thread() {
  if (number_in_team >= 0) return at_work[static_cast<std::size_t>(number_in_team)];
  std::uint64_t only = AtWork::nothing;
  for (const auto& note : at_work) {
    const std::uint64_t chunk = note;
    if (chunk == AtWork::nothing) continue;
    if (only != AtWork::nothing) return AtWork::nothing;
    only = chunk;
  }
  return only;
}

// Makes only calls that are safe in a signal handler. Returns once the death is reported, or after a timeout.
void wait_for_report(int signal) {
  int none = alive;
  if (death_signal.compare_exchange_strong(none, signal)) {
    death_step = current_step;
    death_chunk = current_step == nullptr ? chunk_of_this_thread() : AtWork::nothing;
    ::sem_post(&dying);
    for (int i = 0; i < wait_milliseconds / 10 && !reported; ++i) {
      const timespec pause{0, 10'000'000};
      ::nanosleep(&pause, nullptr);
    }
  } else {
    // A second thread dies while the first death is reported, or the reporter itself dies.
    const timespec pause{wait_milliseconds / 1000, 0};
    ::nanosleep(&pause, nullptr);
  }
}

void on_crash(int signal) {
  wait_for_report(signal);
  if (end_code != no_code) ::_exit(end_code);
  // Restore the earlier handler (a debugger's, MPI's or a sanitizer's), or the default: death.
  for (std::size_t i = 0; i < signals.size(); ++i) {
    if (signals[i] == signal) ::sigaction(signal, &before[i], nullptr);
  }
  ::raise(signal);
}

// While a rank works only the job calls exit(). Objects are being destroyed: the process cannot continue.
void on_exit_called(int code, void*) {
  if (!armed) return;
  death_exit_code = code;
  wait_for_report(exit_called);
  ::_exit(end_code != no_code ? end_code.load() : static_cast<int>(Exit::interrupted));
}

}  // namespace

std::atomic<std::uint64_t>& AtWork::note(int number) {
  static const bool cleared = [] {
    for (auto& note : at_work) note = nothing;
    return true;
  }();
  static_cast<void>(cleared);
  return at_work[static_cast<std::size_t>(number % most)];
}

TeamThread::TeamThread(int number) : stack_(std::malloc(stack_bytes)) {
  AtWork::note(number) = AtWork::nothing;
  number_in_team = number % AtWork::most;
  stack_t stack{};
  stack.ss_sp = stack_;
  stack.ss_size = stack_bytes;
  ::sigaltstack(&stack, nullptr);
}

TeamThread::~TeamThread() {
  AtWork::note(number_in_team) = AtWork::nothing;
  number_in_team = -1;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  ::sigaltstack(&none, nullptr);
  std::free(stack_);
}

JobStep::JobStep(const char* step) : outer_(current_step) { current_step = step; }
JobStep::~JobStep() { current_step = outer_; }

std::string Death::how() const {
  if (signal == 0) return "called exit(" + std::to_string(exit_code) + ")";
  const char* name = ::strsignal(signal);
  return std::string("died of ") + (name != nullptr ? name : "a signal") + " (signal " + std::to_string(signal) + ")";
}

CrashReport::CrashReport(Report report) : report_(std::move(report)) {
  AtWork::note(0);
  death_signal = alive;
  reported = false;
  end_code = no_code;
  ::sem_init(&dying, 0, 0);
  reporter_ = std::thread([this] {
    while (::sem_wait(&dying) != 0 && errno == EINTR) {
    }
    if (death_signal == alive) return;  // all went well
    Death death{death_signal, death_exit_code, std::nullopt, death_step};
    if (death_chunk != AtWork::nothing) death.chunk = death_chunk;
    try {
      end_code = report_(death).value_or(no_code);
    } catch (...) {
      // Then the other ranks find out by themselves.
    }
    reported = true;
    for (;;) ::pause();  // the process is about to die
  });
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK;
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &action, &before[i]);
  ::on_exit(on_exit_called, nullptr);  // each time: the last one registered is called first, before objects go
  armed = true;
}

CrashReport::~CrashReport() {
  armed = false;
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before[i], nullptr);
  ::sem_post(&dying);
  reporter_.join();
  ::sem_destroy(&dying);
}

}  // namespace stint
