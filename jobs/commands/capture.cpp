// SPDX-License-Identifier: Apache-2.0
#include "capture.hpp"

#include "spawn_settings.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace stint::commands {
namespace {

constexpr std::size_t pipe_bytes = std::size_t{1} << 16;  // the capacity of a pipe
constexpr int look_milliseconds = 10;                      // between two checks of a child without a pidfd
constexpr int few_rounds = 4;

void close_end(int& descriptor) {
  if (descriptor >= 0) ::close(std::exchange(descriptor, -1));
}

bool has_ended(int pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid == pid;
}

// Whether a process can still write into the pipe.
bool is_held(int descriptor) {
  pollfd look{descriptor, POLLIN, 0};
  return ::poll(&look, 1, 0) == 0 || (look.revents & POLLHUP) == 0;
}

// Leaves the pipe to a new process that discards its content, and ends when no process can write any more.
void leave_to_nobody(int descriptor) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const std::vector<std::string> words{"/bin/sh", "-c", "exec 3<&0; cat <&3 >/dev/null 3<&- &"};
  SpawnSettings settings(descriptor, null, null, POSIX_SPAWN_SETSID);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, words[0].c_str(), &settings.actions, &settings.attributes,
                                  pointers(words).data(), pointers({"PATH=/usr/bin:/bin"}).data());
  if (null >= 0) ::close(null);
  if (error == 0) ::waitpid(pid, nullptr, 0);
}

}  // namespace

Capture::Capture(int out, int err) {
  streams_[0].file = out;
  streams_[1].file = err;
  for (auto& stream : streams_) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      const int error = errno;
      for (auto& each : streams_) {
        close_end(each.ours);
        close_end(each.theirs);
      }
      throw std::system_error(error, std::generic_category(), "no pipe");
    }
    stream.ours = ends[0];
    stream.theirs = ends[1];
  }
}

Capture::~Capture() {
  for (auto& stream : streams_) {
    close_end(stream.ours);
    close_end(stream.theirs);
  }
}

void Capture::began() {
  for (auto& stream : streams_) close_end(stream.theirs);
}

// Reads once, at most `most` bytes; returns the number read.
std::size_t Capture::copy(Stream& stream, std::size_t most) {
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<char[]>(pipe_bytes);
  ssize_t got = 0;
  do {
    got = ::read(stream.ours, buffer_.get(), std::min(most, pipe_bytes));
  } while (got < 0 && errno == EINTR);
  if (got <= 0) {
    close_end(stream.ours);
    return 0;
  }
  const auto bytes = static_cast<std::size_t>(got);
  for (std::size_t done = 0; done < bytes;) {
    const auto written = ::write(stream.file, buffer_.get() + done, bytes - done);
    if (written < 0 && errno != EINTR) {
      if (error_ == 0) error_ = errno;
      close_end(stream.ours);
      return 0;
    }
    done += static_cast<std::size_t>(std::max<ssize_t>(written, 0));
  }
  return bytes;
}

// False: the child has ended, or both its outputs are closed.
bool Capture::follow_once(int pid, int process) {
  if (streams_[0].ours < 0 && streams_[1].ours < 0) return false;
  pollfd looks[3] = {{streams_[0].ours, POLLIN, 0}, {streams_[1].ours, POLLIN, 0}, {process, POLLIN, 0}};
  const int ready = ::poll(looks, 3, process < 0 ? look_milliseconds : -1);
  if (ready < 0) return errno == EINTR;
  for (int i = 0; i < 2; ++i) {
    if (looks[i].revents != 0) copy(streams_[i], pipe_bytes);
  }
  return process >= 0 ? looks[2].revents == 0 : ready > 0 || !has_ended(pid);
}

void Capture::follow(int pid) {
  // Most commands have ended, and so closed both pipes, before the child itself has to be checked.
  int process = -1;
  for (int round = 0; follow_once(pid, process); ++round) {
    if (process < 0 && round >= few_rounds) process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (process < 0 && round >= few_rounds && has_ended(pid)) break;
  }
  close_end(process);
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
}

void Capture::finish() {
  for (auto& stream : streams_) {
    int bytes = 0;
    if (stream.ours < 0 || ::ioctl(stream.ours, FIONREAD, &bytes) != 0) continue;
    // Only these bytes: a process that lives on may write for ever.
    for (auto left = static_cast<std::size_t>(bytes); left > 0 && stream.ours >= 0;) left -= copy(stream, left);
    if (stream.ours >= 0 && is_held(stream.ours)) leave_to_nobody(stream.ours);
    close_end(stream.ours);
  }
}

}  // namespace stint::commands
