// SPDX-License-Identifier: Apache-2.0
#include "engine/last_words.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <semaphore.h>
#include <unistd.h>

namespace stint {
namespace {

constexpr std::array signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr std::size_t stack_bytes = 64 << 10;
constexpr int wait_milliseconds = 5000;

std::array<std::atomic<std::uint64_t>, AtWork::most> notes;
thread_local int number_in_team = -1;

std::array<struct sigaction, signals.size()> before;
sem_t crashed;
std::atomic<int> crash_signal{0};
std::atomic<std::uint64_t> crash_chunk{AtWork::nothing};
std::atomic<bool> spoken{false};

// The chunk of the calling thread; of a thread that the job started itself, if only one chunk is at work.
std::uint64_t chunk_of_this_thread() {
  if (number_in_team >= 0) return notes[static_cast<std::size_t>(number_in_team)];
  std::uint64_t only = AtWork::nothing;
  for (const auto& note : notes) {
    const std::uint64_t chunk = note;
    if (chunk == AtWork::nothing) continue;
    if (only != AtWork::nothing) return AtWork::nothing;
    only = chunk;
  }
  return only;
}

// Only calls that are safe in a signal handler.
void on_crash(int signal) {
  int none = 0;
  if (crash_signal.compare_exchange_strong(none, signal)) {
    crash_chunk = chunk_of_this_thread();
    ::sem_post(&crashed);
    for (int i = 0; i < wait_milliseconds / 10 && !spoken; ++i) {
      const timespec pause{0, 10'000'000};
      ::nanosleep(&pause, nullptr);
    }
  } else {
    // A second thread crashes while the first one's words are said, or the speaker itself does.
    const timespec pause{wait_milliseconds / 1000, 0};
    ::nanosleep(&pause, nullptr);
  }
  // As whoever was there before us wanted it: a debugger's, MPI's or a sanitizer's handler, or death.
  for (std::size_t i = 0; i < signals.size(); ++i) {
    if (signals[i] == signal) ::sigaction(signal, &before[i], nullptr);
  }
  ::raise(signal);
}

}  // namespace

std::atomic<std::uint64_t>& AtWork::note(int number) {
  static const bool cleared = [] {
    for (auto& note : notes) note = nothing;
    return true;
  }();
  static_cast<void>(cleared);
  return notes[static_cast<std::size_t>(number % most)];
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

LastWords::LastWords(std::function<void(int, std::optional<std::uint64_t>)> speak) : speak_(std::move(speak)) {
  AtWork::note(0);
  crash_signal = 0;
  spoken = false;
  ::sem_init(&crashed, 0, 0);
  speaker_ = std::thread([this] {
    while (::sem_wait(&crashed) != 0 && errno == EINTR) {
    }
    if (crash_signal == 0) return;  // all went well
    const std::uint64_t chunk = crash_chunk;
    try {
      speak_(crash_signal, chunk == AtWork::nothing ? std::nullopt : std::optional(chunk));
    } catch (...) {
      // Then the others find out by themselves.
    }
    spoken = true;
    for (;;) ::pause();  // the process is about to die
  });
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK;
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &action, &before[i]);
}

LastWords::~LastWords() {
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before[i], nullptr);
  ::sem_post(&crashed);
  speaker_.join();
  ::sem_destroy(&crashed);
}

}  // namespace stint
