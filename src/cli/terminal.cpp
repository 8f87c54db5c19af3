// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.hpp"

#include "base/clock.hpp"
#include "base/environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace stint {
namespace {

constexpr int fewest_cells = 10;  // minimum of a useful bar
constexpr int most_cells = 40;
constexpr const char* bar_gap = "  ";

int columns_of(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const int number = std::atoi(environment("COLUMNS").c_str());
  return number > 0 ? number : 80;
}

std::string of_one_line(std::string text) {
  for (auto& c : text) c = static_cast<unsigned char>(c) < ' ' || c == 127 ? ' ' : c;
  return text;
}

bool sigpipe_is_ignored() {
  struct sigaction action {};
  return ::sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// Keeps no bytes, so that several threads may write. An exception makes std::cerr bad.
class ErrorBuffer final : public std::streambuf {
  int_type overflow(int_type c) override {
    const char byte = static_cast<char>(c);
    if (c != traits_type::eof()) Terminal::standard().err({&byte, 1});
    return traits_type::not_eof(c);
  }
  std::streamsize xsputn(const char* bytes, std::streamsize size) override {
    Terminal::standard().err({bytes, static_cast<std::size_t>(size)});
    return size;
  }
};

}  // namespace

std::string BarFields::encode() const {
  std::string line = of_one_line(run) + '\t' + fmt::format("{}", share);
  for (const auto& text : texts) line += '\t' + of_one_line(text);
  return line;
}

std::optional<BarFields> BarFields::decode(std::string_view line) {
  std::vector<std::string> words;
  for (std::size_t from = 0;;) {
    const auto tab = line.find('\t', from);
    words.emplace_back(line.substr(from, tab - from));
    if (tab == line.npos) break;
    from = tab + 1;
  }
  if (words.size() < 2) return std::nullopt;
  BarFields fields;
  const auto& share = words[1];
  const auto read = std::from_chars(share.data(), share.data() + share.size(), fields.share);
  if (read.ec != std::errc{} || read.ptr != share.data() + share.size() || !(fields.share >= 0 && fields.share <= 1)) {
    return std::nullopt;
  }
  fields.run = words[0];
  fields.texts.assign(words.begin() + 2, words.end());
  return fields;
}

std::string bar_text(const BarFields& fields, int columns, bool colour) {
  const auto room = static_cast<std::size_t>(std::max(columns - 1, 1));
  std::string text;
  bool all = true;
  for (const auto& each : fields.texts) {
    const std::string more = (text.empty() ? "" : bar_gap) + of_one_line(each);
    if (!text.empty() && text.size() + more.size() > room) {
      all = false;
      break;
    }
    text += more;
  }
  text.resize(std::min(text.size(), room));
  const int cells = std::min(static_cast<int>(room - text.size()) - 3, most_cells);
  if (!all || cells < fewest_cells) return text;
  const auto full = static_cast<std::size_t>(std::clamp(fields.share, 0.0, 1.0) * cells);
  const std::string bar = "[" + std::string(full, '#') + std::string(static_cast<std::size_t>(cells) - full, '.') + "]";
  return (colour ? "\x1b[36m" + bar + "\x1b[0m" : bar) + " " + text;
}

std::string bar_line(const BarFields& fields) {
  std::string text;
  for (const auto& each : fields.texts) text += (text.empty() ? "" : bar_gap) + of_one_line(each);
  return of_one_line(fields.run) + ": " + text;
}

void end_of_pipe() {
  std::signal(SIGPIPE, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(SIGPIPE);
  ::_exit(128 + SIGPIPE);
}

Terminal& Terminal::standard() {
  static Terminal terminal([] {
    Setup setup;
    const auto kind = environment("TERM");
    setup.screen = ::isatty(setup.err) != 0 && !kind.empty() && kind != "dumb";
    setup.meets = setup.screen && ::isatty(setup.out) != 0;
    setup.colour = setup.screen && environment("NO_COLOR").empty();
    setup.columns = [descriptor = setup.err] { return columns_of(descriptor); };
    setup.broken_pipe_is_an_error = sigpipe_is_ignored();
    return setup;
  }());
  return terminal;
}

void Terminal::write(Stream stream, std::string_view bytes) {
  const int descriptor = stream == Stream::out ? setup_.out : setup_.err;
  if (reader_gone_) throw ReaderGone();
  while (!bytes.empty()) {
    const auto written = ::write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      if (stream == Stream::out) written_ += static_cast<std::uint64_t>(written);
      bytes.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    const int error = errno;
    if (error == EINTR) continue;
    if (error == EAGAIN || error == EWOULDBLOCK) {
      pollfd ready{descriptor, POLLOUT, 0};
      ::poll(&ready, 1, -1);  // for as long as a blocking write; the reader decides
      continue;
    }
    refuse(stream, error);
  }
}

void Terminal::refuse(Stream stream, int error) {
  if (error == EPIPE && !setup_.broken_pipe_is_an_error) {
    reader_gone_ = true;
    throw ReaderGone();
  }
  const std::string name = stream == Stream::out ? "stdout" : "stderr";
  throw Error(Exit::usage, error == EBADF ? name + " is closed; what should go there is lost"
                                          : "cannot write to " + name + ": " + std::strerror(error));
}

void Terminal::write_in_peace(std::string_view bytes) {
  try {
    write(Stream::err, bytes);
  } catch (const Error&) {
  }
}

// The line of the bar holds nothing else.
void Terminal::clear() {
  if (drawn_) write_in_peace("\r\x1b[K");
  drawn_ = false;
}

void Terminal::draw() {
  const std::string begin = drawn_ ? "\r\x1b[K" : line_begins_ ? "" : "\n";  // never after or over an unfinished line
  write_in_peace(begin + bar_text(*fields_, setup_.columns(), setup_.colour));
  drawn_ = line_begins_ = true;
}

// Not if the rest of an unfinished line may come soon.
void Terminal::draw_again() {
  unfinished_seen_ = false;
  if (setup_.screen && fields_ && line_begins_) draw();
}

std::unique_lock<std::mutex> Terminal::screen_lock() {
  return setup_.meets ? std::unique_lock(screen_mutex_) : std::unique_lock<std::mutex>();
}

void Terminal::out(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::lock_guard lock(out_mutex_);
  const auto screen = screen_lock();
  if (setup_.meets) clear();
  write(Stream::out, bytes);
  if (!setup_.meets) return;
  line_begins_ = bytes.ends_with('\n');
  draw_again();
}

void Terminal::err(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::lock_guard lock(screen_mutex_);
  clear();
  write(Stream::err, bytes);
  line_begins_ = bytes.ends_with('\n');
  draw_again();
}

void Terminal::line(std::string_view text) {
  const std::lock_guard lock(screen_mutex_);
  // One write, so that the lines of several processes do not mix.
  std::string whole = drawn_ ? "\r\x1b[K" : line_begins_ || !setup_.screen ? "" : "\n";
  whole.append("stint: ").append(text).append("\n");
  drawn_ = false;
  write_in_peace(whole);
  line_begins_ = true;
  draw_again();
}

void Terminal::last_line(std::string_view text) {
  {
    const std::lock_guard lock(screen_mutex_);
    clear();
    fields_.reset();
    no_bar_ = true;
  }
  line(text);
}

void Terminal::finish() {
  const std::lock_guard lock(out_mutex_);
  errno = 0;
  std::cout.flush();
  const bool flushed = std::fflush(stdout) == 0;
  if (!flushed || std::ferror(stdout) != 0 || !std::cout) refuse(Stream::out, errno != 0 ? errno : EIO);
  if (std::cerr.bad()) throw Error(Exit::usage, "cannot write to stderr; part of what commands or the job said there is lost");
}

void Terminal::bar(const BarFields& fields) {
  const std::lock_guard lock(screen_mutex_);
  if (no_bar_) return;
  if (!setup_.screen) {
    const double now = SteadyClock().now();
    if (last_line_ == 0) last_line_ = now;  // the first call begins the time
    if (now - last_line_ < seconds_between_lines_) return;
    last_line_ = now;
    write_in_peace("stint: " + bar_line(fields) + "\n");
    return;
  }
  fields_ = fields;
  if (!line_begins_ && !std::exchange(unfinished_seen_, true)) return;
  draw();
}

void Terminal::end_bar() {
  const std::lock_guard lock(screen_mutex_);
  clear();
  fields_.reset();
}

TakenErrors::TakenErrors() : before_(std::cerr.rdbuf()) {
  static ErrorBuffer buffer;
  std::cerr.rdbuf(&buffer);
}

TakenErrors::~TakenErrors() { std::cerr.rdbuf(before_); }

bool outputs_meet() {
  struct stat out {}, err {};
  return ::fstat(STDOUT_FILENO, &out) == 0 && ::fstat(STDERR_FILENO, &err) == 0 && out.st_dev == err.st_dev && out.st_ino == err.st_ino;
}

void print(std::string_view text) { Terminal::standard().out(text); }

}  // namespace stint
