// SPDX-License-Identifier: Apache-2.0
#include "base/signals.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <system_error>

namespace stint {
namespace {

std::atomic<int> handler_end{-1};

// Async-signal-safe. If the pipe is full it already holds enough to wake the reader.
void note(int signal) {
  const int error = errno;
  const auto byte = static_cast<unsigned char>(signal);
  [[maybe_unused]] const auto written = ::write(handler_end, &byte, 1);
  errno = error;
}

}  // namespace

Signals::Signals(std::initializer_list<int> signals) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw std::system_error(errno, std::generic_category(), "no pipe for signals");
  read_end_.reset(ends[0]);
  write_end_.reset(ends[1]);
  handler_end = ends[1];
  for (const int signal : signals) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    ::sigaction(signal, &action, nullptr);
    before_.emplace_back(signal, before);
  }
}

Signals::~Signals() {
  for (const auto& [signal, action] : before_) ::sigaction(signal, &action, nullptr);
  handler_end = -1;
}

std::optional<int> Signals::wait(double seconds) {
  pollfd waiting{read_end_.get(), POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(std::clamp(seconds * 1000, 0.0, 1e9))) <= 0) return std::nullopt;
  unsigned char signal = 0;
  if (::read(read_end_.get(), &signal, 1) != 1 || signal == 0) return std::nullopt;
  return signal;
}

void Signals::wake() { note(0); }

}  // namespace stint
