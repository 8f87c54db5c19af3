// SPDX-License-Identifier: Apache-2.0
// This process as a rank that `stint run -n` started: what its launcher gave it, and what it reports back. Made once, in
// main, and passed down. In a process that no launcher started every report does nothing.
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
  /// The arguments again, encoded, for hosts that do not see the launcher's folder; unset where they are too long.
  static constexpr const char* arguments_variable = "STINT_ARGUMENTS";
  static constexpr const char* folder_variable = "STINT_CALL";
  static constexpr const char* host_variable = "STINT_CALL_HOST";
  static constexpr const char* start_variable = "STINT_START";

  /// Set where stdout and stderr of the launcher lead to one place.
  static constexpr const char* outputs_meet_variable = "STINT_OUTPUTS_MEET";

  /// Not launched.
  LaunchedRank() = default;
  /// From the environment when the arguments say that this is a launched rank. Ends this process when its mpirun dies.
  /// Throws Error(usage) when what the launcher left cannot be read.
  LaunchedRank(int argc, char** argv);
  ~LaunchedRank();
  LaunchedRank(LaunchedRank&&) = default;
  LaunchedRank& operator=(LaunchedRank&&) = default;

  [[nodiscard]] bool launched() const { return folder_.has_value(); }
  /// The user's arguments, the program's name first.
  [[nodiscard]] const std::vector<std::string>& arguments() const { return arguments_; }
  /// How often the launcher has started the ranks before.
  [[nodiscard]] int start() const { return start_; }
  /// The ranks were started again.
  [[nodiscard]] bool restarted() const { return start_ > 0; }
  /// What the call begins (--fresh, rerun) was begun by ranks before these. Where the note of that cannot be seen, any start
  /// before this one counts.
  [[nodiscard]] bool begun_before() const { return restarted() && (!near_ || std::filesystem::exists(folder_->begun())); }
  /// stdout and stderr, those of the launcher if there is one, lead to one place.
  [[nodiscard]] bool outputs_meet() const { return launched() ? outputs_meet_ : stint::outputs_meet(); }
  /// The folder of the call if this rank is on the launcher's host, where every rank sees it.
  [[nodiscard]] const CallFolder* shared_folder() const { return near_ ? &*folder_ : nullptr; }
  /// A file beside the launcher's own, in which a leader notes what it printed for the next one; empty: not launched.
  [[nodiscard]] std::filesystem::path printed_file() const { return launched() ? folder_->printed() : ""; }

  /// Rank 0 on another host than the launcher's: makes the folder there, for as long as this object lives.
  void make_folder();
  /// The run is planned and work begins.
  void report_begun() const;
  /// False: another rank of this call prints the result (a run may be led to its end twice, when the blackboard lost its last
  /// second).
  [[nodiscard]] bool claim_printing() const;
  /// False: another rank of this call says why it failed. Apart from the result, which another rank may yet print.
  [[nodiscard]] bool claim_error() const;
  /// This rank ends for want of a thread, process or file: starting it again would not help.
  void report_shortage() const;
  /// A rank of this call has printed the result and reported the exit code, which stands.
  [[nodiscard]] bool result_reported() const;
  /// The rank that ends the run reports the exit code, and how much of a result it printed; false: there is no launcher, so the
  /// process itself must return the code. (With one it returns 0: mpirun reports every other code on stderr.)
  [[nodiscard]] bool report_exit(const ExitReport& report) const;
  /// What this rank says next on stderr comes behind the bytes that it wrote to stdout, which take another way.
  void report_printed(std::uint64_t bytes) const;
  /// The launcher draws the progress.
  void show_bar(const std::string& fields) const;

 private:
  void send(const std::string& message) const;

  std::vector<std::string> arguments_;
  std::optional<CallFolder> folder_;
  int start_ = 0;
  bool outputs_meet_ = false;
  bool near_ = false;  // on the launcher's host
  bool made_ = false;  // the folder, by us
};

/// This host in this boot, as launcher and rank compare it.
std::string host_and_boot();

/// Arguments as one word of an environment, and back.
std::string encode_arguments(const std::vector<std::string>& words);
std::vector<std::string> decode_arguments(const std::string& text);

/// How ranks of one host learn where the blackboard is, without MPI: rank 0 leaves it in the folder of the call, and holds a
/// lock as long as it lives, so that nobody waits for a rank 0 that was lost.
class LocalTicket {
 public:
  /// Rank 0 of this start of the ranks; to be made as early as possible.
  static LocalTicket of_rank_0(const CallFolder& folder);
  static LocalTicket of_others(const CallFolder& folder) { return LocalTicket(folder); }

  /// Rank 0: empty for "nothing to compute".
  void leave(const std::string& text) const;
  /// Others: waits for it as long as rank 0 lives. Throws Error(interrupted) when it was lost, or never began.
  [[nodiscard]] std::string await() const;
  /// Whether rank 0 has begun and is gone.
  [[nodiscard]] bool rank_0_lost() const;

 private:
  explicit LocalTicket(CallFolder folder) : folder_(std::move(folder)) {}
  [[nodiscard]] bool rank_0_began() const;

  CallFolder folder_;
  UniqueFd lock_;
};

}  // namespace stint
