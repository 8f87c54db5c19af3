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

// "[host:123] PMIX ERROR:" — 1: this is the beginning of such a line, or of one for the launcher, 0: it may become one,
// -1: it is none.
int noise(const std::string& line) {
  const std::string mark = "] PMIX ERROR:";
  if (line.starts_with(launcher_mark)) return 1;
  if (std::string(launcher_mark).starts_with(line)) return 0;
  if (line[0] != '[') return -1;
  const auto close = line.find(']');
  if (close == line.npos) return line.size() < 300 && line.find('\n') == line.npos ? 0 : -1;
  const auto rest = line.substr(close, mark.size());
  if (rest == mark) return 1;
  return mark.starts_with(rest) ? 0 : -1;
}

}  // namespace

std::string without_noise(std::string& held, const std::string& piece, bool last,
                          const std::function<void(const std::string& line)>& told) {
  held += piece;
  std::string shown;
  while (!held.empty()) {
    const auto end = held.find('\n');
    const int is = noise(held);
    if (is == 0 && end == held.npos && !last) break;
    if (is == 1 && end == held.npos && !last) break;
    const auto length = end == held.npos ? held.size() : end + 1;
    if (is != 1) shown += held.substr(0, length);
    if (const std::string mark = launcher_mark; is == 1 && held.starts_with(mark)) {
      told(held.substr(mark.size(), std::min(end, held.size()) - mark.size()));
    }
    held.erase(0, length);
  }
  return shown;
}

Relay::Relay(std::function<void(const std::string& line)> told) : told_(std::move(told)) {
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
        without_noise(held, got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : "", got <= 0, told_);
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
