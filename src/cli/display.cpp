// SPDX-License-Identifier: Apache-2.0
#include "cli/display.hpp"

#include "base/error.hpp"
#include "cli/run_options.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace stint {
namespace {

constexpr double first_bar = 0.5;    // seconds; a shorter run needs no bar
constexpr double bar_every = 0.2;
constexpr double line_every = 10;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string counted(std::uint64_t number, const char* what) {
  return grouped(number) + " " + what + (number == 1 ? "" : "s");
}

std::string duration(double seconds) {
  if (seconds < 100) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<long>(seconds);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  if (whole < 48 * 3600) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
  return fmt::format("{} d {} h", whole / 86400, whole % 86400 / 3600);
}

Display::Display(const RunOptions& options, int rank, int ranks)
    : quiet_(options.quiet), verbose_(options.verbose) {
  const char* terminal = std::getenv("STINT_TERMINAL");
  const bool own = ::isatty(STDERR_FILENO) != 0;
  bar_ = !quiet_ && (own || terminal != nullptr || options.progress);
  colour_ = (own || terminal != nullptr) && std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (own && ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    columns_ = size.ws_col;
  } else if (terminal != nullptr) {
    columns_ = std::clamp(std::atoi(terminal), 40, 400);
  }
  if (!options.log.empty()) {
    const std::string file = ranks > 1 ? options.log + "." + std::to_string(rank) : options.log;
    try {
      log_ = std::make_shared<spdlog::logger>("stint", std::make_shared<spdlog::sinks::basic_file_sink_mt>(file));
      log_->flush_on(spdlog::level::info);
    } catch (const spdlog::spdlog_ex& error) {
      throw Error(Exit::usage, "cannot write the log " + file + ": " + error.what() + "; give another --log");
    }
  }
}

Display::~Display() { stop(); }

void Display::clear_bar() {
  if (bar_shown_) std::fputs("\r\x1b[K", stderr);
  bar_shown_ = false;
}

void Display::line(const std::string& text) {
  const std::lock_guard lock(mutex_);
  clear_bar();
  // One write, so that the lines of several ranks do not mix.
  // On a terminal there may be a bar, also one that another rank left when it died.
  const std::string whole = (bar_ ? "\r\x1b[K" : "") + ("stint: " + text) + "\n";
  std::fwrite(whole.data(), 1, whole.size(), stderr);
  std::fflush(stderr);
}

void Display::say(const std::string& text) {
  if (log_) log_->info("{}", text);
  if (!quiet_) line(text);
}

void Display::error(const std::string& text) {
  if (log_) log_->error("{}", text);
  line(text);
}

void Display::log(const std::string& text) {
  if (log_) log_->info("{}", text);
  if (verbose_) line(text);
}

void Display::start(const Session& session, const std::string& run) {
  if (quiet_) return;
  stop_ = false;
  thread_ = std::thread([this, &session, run] { loop(session, run); });
}

void Display::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  clear_bar();
  std::fflush(stderr);
}

void Display::loop(const Session& session, const std::string& run) {
  const auto& progress = session.progress;
  const double begun = now();
  const auto done_before = progress.done.load();
  double rate = 0;  // chunks a second, over the last half minute or so
  double last_time = begun;
  std::uint64_t last_done = done_before;
  std::unique_lock lock(mutex_);
  double wait = bar_ ? first_bar : line_every;
  for (;;) {
    if (stopping_.wait_for(lock, std::chrono::duration<double>(wait), [&] { return stop_; })) return;
    wait = bar_ ? bar_every : line_every;
    if (!session.leading()) continue;  // the rank that leads shows it
    const double time = now();
    const auto done = progress.done.load();
    const auto total = std::max<std::uint64_t>(progress.chunks, 1);
    const auto failed = progress.failed.load();
    const double fresh = static_cast<double>(done - std::min(done, last_done)) / (time - last_time);
    const double weight = std::min(1.0, std::max((time - last_time) / 10, (time - last_time) / (time - begun)));
    rate += weight * (fresh - rate);
    last_time = time;
    last_done = done;
    const double left = rate > 0 ? static_cast<double>(total - std::min(total, done + failed)) / rate : 0;
    const double share = static_cast<double>(done + failed) / static_cast<double>(total);
    std::string facts = fmt::format(
        "{:3.0f}%  {}/{} chunks  {}/s  {}  {} ranks  {} steals{}", std::min(100 * share, done + failed < total ? 99.0 : 100.0),
        grouped(done), grouped(total), rate < 10 ? fmt::format("{:.1f}", rate) : grouped(static_cast<std::uint64_t>(rate)),
        progress.finishing ? "finishing" : (rate > 0 ? duration(left) + " left" : "starting"),
        progress.workers.load(), progress.steals.load(), failed > 0 ? fmt::format("  {} failed", grouped(failed)) : "");
    if (progress.reaped > 0) facts += fmt::format("  {} lost", progress.reaped.load());
    if (!bar_) {
      std::fputs(fmt::format("stint: {}: {}\n", run, facts).c_str(), stderr);
      std::fflush(stderr);
      continue;
    }
    const int room = columns_ - static_cast<int>(facts.size()) - 5;
    std::string bar;
    if (room >= 10) {
      const int cells = std::min(room, 40);
      const int full = static_cast<int>(share * cells);
      bar = "[" + std::string(static_cast<std::size_t>(full), '#') +
            std::string(static_cast<std::size_t>(cells - full), '.') + "] ";
      if (colour_) bar = "\x1b[36m" + bar + "\x1b[0m";
    } else if (static_cast<int>(facts.size()) > columns_ - 1) {
      facts.resize(static_cast<std::size_t>(columns_ - 1));
    }
    std::fputs(("\r\x1b[K" + bar + facts).c_str(), stderr);
    std::fflush(stderr);
    bar_shown_ = true;
  }
}

}  // namespace stint
