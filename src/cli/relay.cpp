// SPDX-License-Identifier: Apache-2.0
#include "cli/relay.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace stint {
namespace {

// "[host:123] PMIX ERROR:" — 1: this is the beginning of such a line, 0: it may become one, -1: it is none.
int noise(const std::string& line) {
  const std::string mark = "] PMIX ERROR:";
  if (line[0] != '[') return -1;
  const auto close = line.find(']');
  if (close == line.npos) return line.size() < 300 && line.find('\n') == line.npos ? 0 : -1;
  const auto rest = line.substr(close, mark.size());
  if (rest == mark) return 1;
  return mark.starts_with(rest) ? 0 : -1;
}

// Bytes at the end of `text` that may become `mark`.
std::size_t beginning_of(const std::string& mark, const std::string& text) {
  for (auto length = std::min(mark.size() - 1, text.size()); length > 0; --length) {
    if (text.ends_with(mark.substr(0, length))) return length;
  }
  return 0;
}

}  // namespace

std::string without_noise(std::string& held, const std::string& piece, bool last, const std::string& mark,
                          const std::function<void(const std::string& line)>& told) {
  held += piece;
  std::string shown;
  while (!held.empty()) {
    const auto end = held.find('\n');
    const bool whole = end != held.npos || last;
    const int is = noise(held);
    if (is >= 0 && !whole) break;
    std::string line = held.substr(0, end == held.npos ? end : end + 1);
    const auto at = is == 1 ? line.npos : line.find(mark);  // also behind what else came without a line end
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
      told(line);
    } else if (is != 1) {
      shown += line;
    }
  }
  return shown;
}

Relay::Relay(std::string mark, std::function<void(const std::string& line)> told)
    : mark_(std::move(mark)), told_(std::move(told)) {
  if (::pipe2(ends_, O_CLOEXEC) != 0) throw Error(Exit::usage, std::string("no pipe: ") + std::strerror(errno));
  thread_ = std::thread([this] { pass_on(); });
}

void Relay::close_entrance() {
  if (ends_[1] >= 0) ::close(ends_[1]);
  ends_[1] = -1;
}

void Relay::pass_on() {
  std::string held;
  char buffer[4096];
  for (;;) {
    const auto got = ::read(ends_[0], buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    const std::string shown =
        without_noise(held, got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : "", got <= 0, mark_, told_);
    for (std::size_t done = 0; done < shown.size();) {
      const auto wrote = ::write(STDERR_FILENO, shown.data() + done, shown.size() - done);
      if (wrote < 0 && errno != EINTR) break;
      if (wrote > 0) done += static_cast<std::size_t>(wrote);
    }
    if (got <= 0) return;
  }
}

Relay::~Relay() {
  close_entrance();
  thread_.join();
  ::close(ends_[0]);
}

}  // namespace stint
