// SPDX-License-Identifier: Apache-2.0
// What the user sees on stderr while a run is computed: lines, and on a terminal a bar below them, elsewhere one plain
// line every 10 s. Thread-safe.
#pragma once

#include "engine/session.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace spdlog {
class logger;
}

namespace stint {

struct RunOptions;

class Display {
 public:
  /// `rank`: of this process; the log file of rank R is FILE.R in a world of many.
  Display(const RunOptions& options, int rank, int ranks);
  ~Display();
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  /// For the user, unless -q.
  void say(const std::string& line);
  /// An error: also with -q.
  void error(const std::string& line);
  /// For the log, and with -v for stderr.
  void log(const std::string& line);

  /// Shows the progress until stop(), whenever this rank leads.
  void start(const Session& session, const std::string& run);
  void stop();

 private:
  void loop(const Session& session, const std::string& run);
  void line(const std::string& text);
  void clear_bar();

  const bool quiet_;
  const bool verbose_;
  bool bar_ = false;
  bool colour_ = false;
  int columns_ = 80;
  std::shared_ptr<spdlog::logger> log_;
  std::mutex mutex_;  // stderr, and all below
  bool bar_shown_ = false;
  bool stop_ = false;
  std::condition_variable stopping_;
  std::thread thread_;
};

/// 12345678 → "12,345,678".
std::string grouped(std::uint64_t number);
/// (1, "chunk") → "1 chunk", (2000, "chunk") → "2,000 chunks".
std::string counted(std::uint64_t number, const char* what);
/// Seconds for people: "0.8 s", "3 min 20 s", "2 h 5 min".
std::string duration(double seconds);

}  // namespace stint
