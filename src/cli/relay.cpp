// SPDX-License-Identifier: Apache-2.0
#include "cli/relay.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <utility>
#include <vector>

namespace stint {
namespace {

constexpr std::size_t buffer_bytes = 256 << 10;

constexpr std::size_t longest_gap = 300;  // maximum of bytes that a * stands for

// 1: `line` matches the beginning given by the pattern, in which * stands for anything up to a ] or the end of the line;
// 0: it may match once more of it comes; -1: it does not match.
int match(std::string_view pattern, std::string_view line) {
  if (pattern.empty()) return 1;
  if (line.empty()) return 0;
  if (pattern.front() != '*') return pattern.front() == line.front() ? match(pattern.substr(1), line.substr(1)) : -1;
  int best = -1;
  for (std::size_t gap = 0; gap <= std::min(line.size(), longest_gap) && best < 1; ++gap) {
    best = std::max(best, match(pattern.substr(1), line.substr(gap)));
    if (gap < line.size() && (line[gap] == ']' || line[gap] == '\n')) break;
  }
  return best;
}

// The same for mpirun's own lines, which Stint reports in its own words or which do not concern the user.
int noise(std::string_view line) {
  int best = -1;
  for (const auto* pattern : {"mpirun: Forwarding signal ", "[*] PMIX ERROR:",
                              "[*] [[*],*] ORTE_ERROR_LOG: The system limit on number of children"}) {
    best = std::max(best, match(pattern, line));
  }
  return best;
}

// The number of bytes at the end of `text` that may become `mark`.
std::size_t beginning_of(const std::string& mark, const std::string& text) {
  for (auto length = std::min(mark.size() - 1, text.size()); length > 0; --length) {
    if (text.ends_with(mark.substr(0, length))) return length;
  }
  return 0;
}

}  // namespace

std::string without_noise(std::string& held, std::string_view piece, bool last, const std::string& mark,
                          const std::function<void(const std::string& message)>& message) {
  held += piece;
  std::string shown;
  while (!held.empty()) {
    const auto end = held.find('\n');
    const bool whole = end != held.npos || last;
    const int is = noise(held);
    if (is >= 0 && !whole) break;
    std::string line = held.substr(0, end == held.npos ? end : end + 1);
    const auto at = is == 1 ? line.npos : line.find(mark);  // also after output without a line end
    if (!whole) {
      const auto kept = at == line.npos ? beginning_of(mark, line) : line.size() - at;
      shown += line.substr(0, line.size() - kept);
      held = line.substr(line.size() - kept);
      break;
    }
    held.erase(0, line.size());
    if (at != line.npos) {
      shown += line.substr(0, at);
      line.erase(0, at + mark.size());
      if (line.ends_with('\n')) line.pop_back();
      message(line);
    } else if (is != 1) {
      shown += line;
    }
  }
  return shown;
}

Relay::Relay(std::function<void(std::string_view piece)> take) : take_(std::move(take)) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(Exit::usage, std::string("cannot make a pipe: ") + std::strerror(errno));
  read_end_.reset(ends[0]);
  write_end_.reset(ends[1]);
  ending_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!ending_) throw Error(Exit::usage, std::string("cannot make an eventfd: ") + std::strerror(errno));
  thread_ = std::thread([this] { pass_on(); });
}

void Relay::pass_on() {
  std::vector<char> buffer(buffer_bytes);
  bool ending = false;
  for (;;) {
    pollfd waiting[2] = {{read_end_.get(), POLLIN, 0}, {ending_.get(), POLLIN, 0}};
    if (::poll(waiting, ending ? 1 : 2, ending ? 0 : -1) < 0 && errno != EINTR) break;
    ending = ending || waiting[1].revents != 0;
    if (waiting[0].revents == 0) {
      if (ending) break;
      continue;
    }
    const auto got = ::read(read_end_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    take_({buffer.data(), static_cast<std::size_t>(got)});
  }
  take_({});
}

void Relay::finish() {
  close_write_end();
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(ending_.get(), &one, sizeof one);
  thread_.join();
}

Relay::~Relay() { finish(); }

}  // namespace stint
