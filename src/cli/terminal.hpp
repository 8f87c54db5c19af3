// SPDX-License-Identifier: Apache-2.0
// The one owner of stdout and stderr: all output to either passes here, so that a progress bar and the text above it
// never mix, and no byte is lost without an error. Waits for a full pipe, non-blocking or not.
// Thread-safe. If a bar cannot be drawn (stderr is not a terminal, or TERM is empty or "dumb") a plain line replaces it
// from time to time.
#pragma once

#include "base/error.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stint {

constexpr double lines_unasked = 10;  ///< seconds between two lines that replace a bar
constexpr double lines_wished = 1;    ///< the same with --progress

/// The content of a progress bar.
struct BarFields {
  std::string run;
  double share = 0;                ///< of the chunks that have ended, 0 to 1
  std::vector<std::string> texts;  ///< the most important first: a narrow terminal omits the last ones

  /// One line of text, without a line end: "RUN<tab>SHARE<tab>TEXT<tab>TEXT…". Control characters in a text become spaces.
  [[nodiscard]] std::string encode() const;
  /// The inverse of encode(); none: not such a text.
  static std::optional<BarFields> decode(std::string_view line);
  bool operator==(const BarFields&) const = default;
};

/// The bar for a terminal, at most `columns` - 1 wide (the last column stays free: some terminals wrap there).
std::string bar_text(const BarFields& fields, int columns, bool colour);
/// The same for a file: "RUN: TEXT  TEXT".
std::string bar_line(const BarFields& fields);

/// The reader of a pipe that this process writes to is gone, as after `head`. The command ends like others in a pipeline:
/// quietly, of SIGPIPE (end_of_pipe).
class ReaderGone : public Error {
 public:
  ReaderGone() : Error(Exit::interrupted, "the reader of the output is gone") {}
};
/// Ends the process by SIGPIPE, whatever its present action is.
[[noreturn]] void end_of_pipe();

class Terminal {
 public:
  struct Setup {
    int out = 1;
    int err = 2;
    bool screen = false;  ///< `err` is a terminal on which a bar can be drawn
    bool meets = false;   ///< in that case, `out` is a terminal as well
    bool colour = false;
    bool broken_pipe_is_an_error = false;  ///< and does not end the process: its parent ignored SIGPIPE
    std::function<int()> columns = [] { return 80; };  ///< called for each drawing
  };
  explicit Terminal(Setup setup) : setup_(std::move(setup)) {}
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// The terminal of this process's stdout and stderr, made at the first call: before this process ignores SIGPIPE.
  static Terminal& standard();

  /// Writes all of it to stdout. Throws Error(usage) for a full disk, a closed stdout and the like, and ReaderGone.
  void out(std::string_view bytes);
  /// The same on stderr: for the output of the user's commands.
  void err(std::string_view bytes);
  /// "stint: TEXT" on stderr, in one write. A line that cannot be written is lost. After
  /// ReaderGone writes nothing any more.
  void line(std::string_view text);

  /// The same, and no bar is drawn any more: the process ends.
  void last_line(std::string_view text);

  /// Checks what was printed through std::cout, stdio and std::cerr: throws as out() and err() would.
  void finish();

  /// Draws the bar, or writes its line if the last one is older than `seconds_between_lines`.
  void bar(const BarFields& fields);
  /// Removes the bar.
  void end_bar();
  void set_seconds_between_lines(double seconds) { seconds_between_lines_ = seconds; }

  /// Bytes written to stdout so far.
  [[nodiscard]] std::uint64_t written() const { return written_; }
  [[nodiscard]] bool reader_gone() const { return reader_gone_; }

 private:
  enum class Stream { out, err };
  void write(Stream stream, std::string_view bytes);
  [[noreturn]] void refuse(Stream stream, int error);
  void write_in_peace(std::string_view bytes);
  void clear();
  void draw();
  void draw_again();
  std::unique_lock<std::mutex> screen_lock();

  const Setup setup_;
  std::atomic<std::uint64_t> written_{0};
  std::atomic<bool> reader_gone_{false};
  std::atomic<double> seconds_between_lines_{lines_unasked};
  // Two locks: while a pager blocks stdout, lines for stderr go on. If both are terminals out() takes both locks.
  std::mutex out_mutex_;
  std::mutex screen_mutex_;  // stderr, and all below
  std::optional<BarFields> fields_;
  bool drawn_ = false;
  bool no_bar_ = false;
  bool line_begins_ = true;       // the cursor is at the beginning of a line
  bool unfinished_seen_ = false;  // a bar has waited once for the rest of the line before it
  double last_line_ = 0;
};

/// During its lifetime, std::cerr writes through Terminal::standard(): a job's output appears above the bar, and output that
/// cannot be written is an error (Terminal::finish).
class TakenErrors {
 public:
  TakenErrors();
  ~TakenErrors();
  TakenErrors(const TakenErrors&) = delete;
  TakenErrors& operator=(const TakenErrors&) = delete;

 private:
  std::streambuf* const before_;
};

/// Whether stdout and stderr of this process lead to one place, as after `2>&1` and on a terminal.
bool outputs_meet();

/// Writes the text of a verb to stdout by Terminal::standard().out.
void print(std::string_view text);

}  // namespace stint
