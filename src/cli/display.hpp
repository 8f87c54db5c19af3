// SPDX-License-Identifier: Apache-2.0
// What the user sees on stderr while a run is computed: lines, and on a terminal a bar below them, elsewhere one plain
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
  std::string item;  ///< what its job calls a chunk
};

/// What a bar says of a run at one moment, and what a Remaining thinks of it.
BarFields fields_of(const Progress& progress, const RunName& run, const Remaining& remaining);

/// The log of a rank: in a world of many FILE.R, unless FILE is a device or a pipe, which all write to.
std::string log_path(const std::string& file, int rank, int ranks);
/// Throws Error(usage) unless this log can be written; `ranks`: of -n, whose ranks have no descriptors of ours; else 0.
void check_log(const std::string& file, int ranks);

class Display {
 public:
  /// Seconds that the chunk at work for longest has been; below 0: none has for long. May throw: then it is not known.
  using Oldest = std::function<double()>;
  using ShowBar = std::function<void(const BarFields&)>;

  /// `rank`: of this process. A log that cannot be written here, though check_log has passed elsewhere, is said, and left.
  Display(const RunOptions& options, int rank, int ranks);
  ~Display();
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  /// For the user, unless -q.
  void say(const std::string& line);
  /// The same, and no bar any more: this process ends.
  void say_last(const std::string& line);
  /// An error: also with -q.
  void error(const std::string& line);
  /// For the log, and with -v for stderr.
  void log(const std::string& line);

  /// Who draws the bar, if it is not the terminal of this process.
  void show_bar_with(ShowBar show) { show_bar_ = std::move(show); }
  /// Shows the progress until stop(), whenever this rank leads. `threads`: of a rank, each with a chunk.
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
