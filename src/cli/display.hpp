// SPDX-License-Identifier: Apache-2.0
// The output on stderr during a run: lines; on a terminal also a bar below them, elsewhere a plain
// line from time to time. Thread-safe.
#pragma once

#include "cli/quantity_text.hpp"
#include "cli/remaining.hpp"
#include "cli/terminal.hpp"
#include "engine/session.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace spdlog {
class logger;
}

namespace stint {

struct RunOptions;

struct RunName {
  std::string id;
  std::string item;  ///< the job's word for a chunk
};

/// The bar of a run at one moment, with the estimate in `remaining`.
BarFields fields_of(const Progress& progress, const RunName& run, const Remaining& remaining);

/// The log of a rank: FILE.R in a world of several, unless FILE is a device or a pipe, which all ranks write to.
std::string log_path(const std::string& file, int rank, int ranks);
/// Throws Error(usage) unless this log can be written. `ranks`: of -n, whose ranks lack the launcher's descriptors; else 0.
void check_log(const std::string& file, int ranks);

class Display {
 public:
  /// Seconds that the oldest running chunk has taken; below 0: none has taken long. May throw: then it is not known.
  using Oldest = std::function<double()>;
  using ShowBar = std::function<void(const BarFields&)>;

  /// `rank`: of this process. If the log cannot be written here, although check_log passed elsewhere, says so once and goes on
  /// without it.
  Display(const RunOptions& options, int rank, int ranks);
  ~Display();
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  /// For the user, unless -q.
  void say(const std::string& line);
  /// The same, and removes the bar: this process ends.
  void say_last(const std::string& line);
  /// An error: also with -q.
  void error(const std::string& line);
  /// A line for the log, and with -v for stderr.
  void log(const std::string& line);

  /// Draw the bar with this function, not on the terminal of this process.
  void show_bar_with(ShowBar show) { show_bar_ = std::move(show); }
  /// Shows the progress until stop(), while this rank leads. `threads`: of a rank, each with a chunk.
  void start(const Session& session, const RunName& run, int threads, Oldest oldest);
  void stop();

 private:
  void loop(const Session& session, const RunName& run, int threads, const Oldest& oldest);

  const bool quiet_;
  const bool verbose_;
  Terminal& terminal_;
  ShowBar show_bar_;
  std::shared_ptr<spdlog::logger> log_;
  std::mutex mutex_;
  bool stop_ = false;
  std::condition_variable stopping_;
  std::thread thread_;
};

}  // namespace stint
