// SPDX-License-Identifier: Apache-2.0
// One call of `stint run -n`: a folder of the launcher's, mode 700. The launcher leaves there what its ranks need, and the
// ranks leave notes for it and for each other. A rank on another host cannot read it; there rank 0 makes one of the same name
// for the ranks of its host, and messages to the launcher go as lines on stderr, each after mark():
//
//     begun                    the run is planned
//     exit CODE                the run ended with this code for the user
//     exit CODE result BYTES   the same, and this rank wrote BYTES of the result to stdout
//     printed BYTES            this rank wrote BYTES of the result to stdout; its next lines belong after them; always as a line
//     bar TEXT                 the progress, see BarFields; always as a line
//
// The file `exit` holds the text after the word `exit`. Used by the launcher and by LaunchedRank.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stint {

/// The end of a run, as a rank reports it.
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
  [[nodiscard]] std::filesystem::path lead_lock() const { return path_ / "rank0"; }         ///< locked while rank 0 lives
  [[nodiscard]] std::filesystem::path ticket() const { return path_ / "board"; }            ///< the address of the blackboard
  [[nodiscard]] std::filesystem::path begun() const { return path_ / "begun"; }             ///< the run is planned
  [[nodiscard]] std::filesystem::path exit() const { return path_ / "exit"; }               ///< an ExitReport
  [[nodiscard]] std::filesystem::path printing(int start) const;  ///< claimed by the rank that prints the result, in this start of the ranks
  [[nodiscard]] std::filesystem::path error(int start) const;     ///< claimed by the rank that prints why the run failed
  [[nodiscard]] std::filesystem::path printed() const { return path_ / "printed"; }         ///< notes of the job for the next leader

  /// A rank of this host ended for lack of a thread, process or file.
  [[nodiscard]] std::filesystem::path shortage() const { return path_ / "shortage"; }

  /// The beginning of a line for the launcher: the name of the folder, which no job prints.
  [[nodiscard]] std::string mark() const { return "[" + path_.filename().string() + "] "; }
  [[nodiscard]] std::optional<ExitReport> exit_report() const;

 private:
  std::filesystem::path path_;
};

/// Replaces a file of the folder in one step: a reader sees the old text or the new one. False, with errno: it cannot be
/// written.
bool leave_note(const std::filesystem::path& file, std::string_view text);

/// Makes a file of the folder for one of several ranks. False: another rank has made it, or the folder is not on this host (then
/// the launcher receives no result, starts the ranks again, and rank 0 prints it).
bool claim(const std::filesystem::path& file);

/// Words to and from a file, each ended by a NUL byte. Both throw Error(usage).
void write_words(const std::filesystem::path& file, const std::vector<std::string>& words);
std::vector<std::string> read_words(const std::filesystem::path& file);

}  // namespace stint
