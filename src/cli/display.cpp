// SPDX-License-Identifier: Apache-2.0
#include "cli/display.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "cli/output_file.hpp"
#include "cli/run_options.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>
#include <utility>

namespace stint {
namespace {

constexpr double first_bar = 0.5;  // seconds; a shorter run needs no bar
constexpr double bar_every = 0.2;
// Seconds between two searches for the oldest chunk, which cost the blackboard a line for each rank.
double oldest_every(std::uint64_t workers) { return std::clamp(static_cast<double>(workers) / 1000, 0.4, 10.0); }

Sighting sighting_of(const Progress& progress, double now, int threads, double oldest) {
  Sighting sighting;
  sighting.now = now;
  sighting.total = progress.chunks;
  sighting.ended = progress.done + progress.failed;
  if (progress.computed > 0) sighting.usual = progress.busy_seconds / static_cast<double>(progress.computed);
  sighting.longest = progress.longest;
  sighting.lanes = std::max<std::uint64_t>(1, progress.workers * static_cast<std::uint64_t>(threads));
  sighting.oldest = oldest;
  return sighting;
}

}  // namespace

BarFields fields_of(const Progress& progress, const RunName& run, const Remaining& remaining) {
  const std::uint64_t done = progress.done, failed = progress.failed, lost = progress.reaped;
  const auto total = std::max<std::uint64_t>(progress.chunks, 1);
  BarFields fields;
  fields.run = run.id;
  fields.share = std::min(1.0, static_cast<double>(done + failed) / static_cast<double>(total));
  const double percent = 100 * fields.share;
  fields.texts.push_back(fmt::format("{:3.0f}%", done + failed < total ? std::min(percent, 99.0) : percent));
  fields.texts.push_back(grouped(done) + "/" + counted(total, run.item));
  const auto left = remaining.estimate().text();
  if (progress.finishing) {
    fields.texts.emplace_back("finishing");
  } else if (!left.empty()) {
    fields.texts.push_back(left);
  } else if (done + failed < total) {
    fields.texts.push_back("first " + run.item + "s at work");
  }
  if (failed > 0) fields.texts.push_back(grouped(failed) + " failed");
  if (lost > 0) fields.texts.push_back(counted(lost, "rank") + " lost");
  if (const double rate = remaining.rate(); rate > 0) fields.texts.push_back(frequency(rate));
  fields.texts.push_back(counted(progress.workers, "rank"));
  fields.texts.push_back(counted(progress.steals, "steal"));
  return fields;
}

std::string log_path(const std::string& file, int rank, int ranks) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  const bool is_file = !std::filesystem::exists(status) || std::filesystem::is_regular_file(status) || std::filesystem::is_directory(status);
  return ranks > 1 && is_file && descriptor_of(file) < 0 ? file + "." + std::to_string(rank) : file;
}

void check_log(const std::string& file, int ranks) {
  const auto refuse = [&](const std::string& why) { throw Error(Exit::usage, "cannot write the log " + file + ": " + why + "; give another --log"); };
  if (const int descriptor = descriptor_of(file); ranks > 1 && descriptor >= 0 && descriptor != STDERR_FILENO) {
    refuse("the ranks that -n starts do not have this descriptor");
  }
  auto tried = open_to_write(file, file, O_APPEND | O_CREAT);
  if (!tried) refuse(errno == ENXIO ? "nobody reads this pipe" : std::strerror(errno));
  std::error_code error;
  if (std::filesystem::is_fifo(file, error)) tried.release();  // closing it would end the reader's input
}

Display::Display(const RunOptions& options, int rank, int ranks)
    : quiet_(options.quiet),
      verbose_(options.verbose),
      terminal_(Terminal::standard()),
      show_bar_([this](const BarFields& fields) { terminal_.bar(fields); }) {
  terminal_.set_seconds_between_lines(options.progress ? lines_wished : lines_unasked);
  if (options.log.empty()) return;
  const auto file = log_path(options.log, rank, ranks);
  auto say_loss = [this, file, said = false](const std::string& why) mutable {
    if (!std::exchange(said, true)) terminal_.line("cannot write the log " + file + ": " + why + "; the run goes on without it");
  };
  try {
    log_ = std::make_shared<spdlog::logger>("stint", std::make_shared<spdlog::sinks::basic_file_sink_mt>(file));
    log_->flush_on(spdlog::level::info);
    log_->set_error_handler(say_loss);
  } catch (const spdlog::spdlog_ex& error) {
    say_loss(error.what());
  }
}

Display::~Display() { stop(); }

void Display::say(const std::string& text) {
  if (log_) log_->info("{}", text);
  if (!quiet_) terminal_.line(text);
}

void Display::say_last(const std::string& text) {
  if (log_) log_->info("{}", text);
  if (!quiet_) terminal_.last_line(text);
}

void Display::error(const std::string& text) {
  if (log_) log_->error("{}", text);
  terminal_.line(text);
}

void Display::log(const std::string& text) {
  if (log_) log_->info("{}", text);
  if (verbose_) terminal_.line(text);
}

void Display::start(const Session& session, const RunName& run, int threads, Oldest oldest) {
  if (quiet_) return;
  stop_ = false;
  thread_ = std::thread([this, &session, run, threads, oldest = std::move(oldest)] { loop(session, run, threads, oldest); });
}

void Display::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
  terminal_.end_bar();
}

void Display::loop(const Session& session, const RunName& run, int threads, const Oldest& oldest) {
  const SteadyClock clock;
  const auto& progress = session.progress;
  Remaining remaining;
  double age = -1, asked = -1e9;
  std::unique_lock lock(mutex_);
  for (double wait = first_bar;; wait = bar_every) {
    const double begun = clock.now();
    if (stopping_.wait_for(lock, std::chrono::duration<double>(wait), [&] { return stop_; })) return;
    if (!session.leading()) continue;  // the leading rank shows it
    lock.unlock();
    const double now = clock.now();
    if (age >= 0) age += now - begun;
    if (now - asked >= oldest_every(progress.workers)) {
      asked = now;
      try {
        age = oldest();
      } catch (const std::exception&) {
        age = -1;
      }
    }
    remaining.see(sighting_of(progress, now, threads, age));
    show_bar_(fields_of(progress, run, remaining));
    lock.lock();
  }
}

}  // namespace stint
