// SPDX-License-Identifier: Apache-2.0
// One call of `stint run -n`: a folder of the launcher's, mode 700, in which it leaves what its ranks need, and they leave
// notes for it and for each other. A rank on another host does not see it; there rank 0 makes one of the same name for the
// ranks beside it, and what is for the launcher goes as lines on stderr, each behind mark():
//
//     begun                    the run is planned
//     exit CODE                the run ended with this code for the user
//     exit CODE result BYTES   the same, and this rank wrote BYTES of the result to stdout
//     printed BYTES            this rank wrote BYTES of the result to stdout; what it says next belongs behind them; always as a line
//     bar TEXT                 the progress, see BarFields; always as a line
//
// The file `exit` holds what stands behind the word `exit`. Used by the launcher and by LaunchedRank.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stint {

/// How a run ended, as a rank reports it.
struct ExitReport {
  int code = 0;
  std::optional<std::uint64_t> result_bytes;  ///< none: no result was printed

  [[nodiscard]] std::string encode() const;
  static std::optional<ExitReport> decode(const std::string& text);
};

class CallFolder {
 public:
  explicit CallFolder(std::filesystem::path path) : path_(std::move(path)) {}

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path arguments() const { return path_ / "arguments"; }     ///< argv, each word ends with NUL
  [[nodiscard]] std::filesystem::path environment() const { return path_ / "environment"; } ///< the user's, NAME=VALUE and NUL
  [[nodiscard]] std::filesystem::path lead_lock() const { return path_ / "rank0"; }         ///< locked as long as rank 0 lives
  [[nodiscard]] std::filesystem::path ticket() const { return path_ / "board"; }            ///< where the blackboard is
  [[nodiscard]] std::filesystem::path begun() const { return path_ / "begun"; }             ///< the run is planned
  [[nodiscard]] std::filesystem::path exit() const { return path_ / "exit"; }               ///< an ExitReport
  [[nodiscard]] std::filesystem::path printing(int start) const;  ///< claimed by the rank that prints the result, in this start of the ranks
  [[nodiscard]] std::filesystem::path error(int start) const;     ///< claimed by the rank that says why the run failed
  [[nodiscard]] std::filesystem::path printed() const { return path_ / "printed"; }         ///< what a job notes for the next leader

  /// A rank of this host ended for want of a thread, process or file.
  [[nodiscard]] std::filesystem::path shortage() const { return path_ / "shortage"; }

  /// What begins a line for the launcher: the name of the folder, which no job prints.
  [[nodiscard]] std::string mark() const { return "[" + path_.filename().string() + "] "; }
  [[nodiscard]] std::optional<ExitReport> exit_report() const;

 private:
  std::filesystem::path path_;
};

/// Replaces a file of the folder in one step: a reader sees the old text or the new one. False, with errno: it cannot be written.
bool leave_note(const std::filesystem::path& file, std::string_view text);

/// Makes a file of the folder for one rank of several. False: another one has made it, or there is no folder here (then the
/// launcher hears of no result, starts the ranks again, and rank 0 prints it).
bool claim(const std::filesystem::path& file);

/// Words in a file, each ended by a NUL byte. Throw Error(usage).
void write_words(const std::filesystem::path& file, const std::vector<std::string>& words);
std::vector<std::string> read_words(const std::filesystem::path& file);

}  // namespace stint
