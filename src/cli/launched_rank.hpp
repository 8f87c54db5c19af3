// SPDX-License-Identifier: Apache-2.0
// This process as a rank that `stint run -n` started: what its launcher left for it, and its reports to the launcher. Made
// once, in main, and passed down. In a process without a launcher every report does nothing.
#pragma once

#include "base/unique_fd.hpp"
#include "cli/call_folder.hpp"
#include "cli/terminal.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stint {

class LaunchedRank {
 public:
  /// The word that the launcher gives a rank instead of the user's arguments.
  static constexpr std::string_view argument = "--launched-rank";
  /// The arguments again, encoded, for hosts that cannot read the launcher's folder; unset if they are too long.
  static constexpr const char* arguments_variable = "STINT_ARGUMENTS";
  static constexpr const char* folder_variable = "STINT_CALL";
  static constexpr const char* host_variable = "STINT_CALL_HOST";
  static constexpr const char* start_variable = "STINT_START";

  /// Set if stdout and stderr of the launcher lead to one place.
  static constexpr const char* outputs_meet_variable = "STINT_OUTPUTS_MEET";

  /// A process without a launcher.
  LaunchedRank() = default;
  /// Reads the environment if the arguments say that this is a launched rank. Ends this process when its mpirun dies.
  /// Throws Error(usage) if the launcher's files cannot be read.
  LaunchedRank(int argc, char** argv);
  ~LaunchedRank();
  LaunchedRank(LaunchedRank&&) = default;
  LaunchedRank& operator=(LaunchedRank&&) = default;

  [[nodiscard]] bool launched() const { return folder_.has_value(); }
  /// The user's arguments, the program's name first.
  [[nodiscard]] const std::vector<std::string>& arguments() const { return arguments_; }
  /// The number of earlier starts of the ranks in this call.
  [[nodiscard]] int start() const { return start_; }
  /// The ranks were started again.
  [[nodiscard]] bool restarted() const { return start_ > 0; }
  /// Whether earlier ranks began what the call begins (--fresh, rerun). If their note cannot be read here, any earlier start
  /// counts.
  [[nodiscard]] bool begun_before() const { return restarted() && (!near_ || std::filesystem::exists(folder_->begun())); }
  /// Whether stdout and stderr, those of the launcher if there is one, lead to one place.
  [[nodiscard]] bool outputs_meet() const { return launched() ? outputs_meet_ : stint::outputs_meet(); }
  /// The folder of the call if this rank is on the launcher's host; else null.
  [[nodiscard]] const CallFolder* shared_folder() const { return near_ ? &*folder_ : nullptr; }
  /// A file in the folder of the call in which a leader notes for the next one what it printed; empty: not launched.
  [[nodiscard]] std::filesystem::path printed_file() const { return launched() ? folder_->printed() : ""; }

  /// For rank 0 on another host than the launcher's: creates the folder there, for the lifetime of this object.
  void make_folder();
  /// Reports that the run is planned and work begins.
  void report_begun() const;
  /// True: this rank prints the result. False: another rank of this call does (a run may be finished twice, if the blackboard
  /// lost its last second).
  [[nodiscard]] bool claim_printing() const;
  /// True: this rank prints why the call failed. False: another rank does. Independent of claim_printing.
  [[nodiscard]] bool claim_error() const;
  /// Reports that this rank ends for lack of a thread, process or file: starting it again would not help.
  void report_shortage() const;
  /// Whether a rank of this call has printed the result and reported the exit code, which is final.
  [[nodiscard]] bool result_reported() const;
  /// The rank that ends the run reports the exit code, and how much of a result it printed. False: there is no launcher, so the
  /// process itself must return the code. (With a launcher it returns 0: mpirun reports every other code on stderr.)
  [[nodiscard]] bool report_exit(const ExitReport& report) const;
  /// The next lines of this rank on stderr must come after the `bytes` that it wrote to stdout, another pipe.
  void report_printed(std::uint64_t bytes) const;
  /// Lets the launcher draw the progress.
  void show_bar(const std::string& fields) const;

 private:
  void send(const std::string& message) const;

  std::vector<std::string> arguments_;
  std::optional<CallFolder> folder_;
  int start_ = 0;
  bool outputs_meet_ = false;
  bool near_ = false;  // this rank is on the launcher's host
  bool made_ = false;  // this rank created the folder
};

/// This host in this boot, for a comparison of launcher and rank.
std::string host_and_boot();

/// Arguments to one word of an environment, and back.
std::string encode_arguments(const std::vector<std::string>& words);
std::vector<std::string> decode_arguments(const std::string& text);

/// Tells the ranks of one host the address of the blackboard without MPI: rank 0 leaves it in the folder of the call, and holds
/// a lock during its lifetime, so that no rank waits for a rank 0 that was lost.
class LocalTicket {
 public:
  /// For rank 0 of this start of the ranks; call it as early as possible.
  static LocalTicket of_rank_0(const CallFolder& folder);
  static LocalTicket of_others(const CallFolder& folder) { return LocalTicket(folder); }

  /// For rank 0. Empty text: "nothing to compute".
  void leave(const std::string& text) const;
  /// For the others: waits for the text while rank 0 lives. Throws Error(interrupted) if rank 0 was lost, or did not start.
  [[nodiscard]] std::string await() const;
  /// Whether rank 0 has started and is gone.
  [[nodiscard]] bool rank_0_lost() const;

 private:
  explicit LocalTicket(CallFolder folder) : folder_(std::move(folder)) {}
  [[nodiscard]] bool rank_0_began() const;

  CallFolder folder_;
  UniqueFd lock_;
};

}  // namespace stint
