// SPDX-License-Identifier: Apache-2.0
// The leader's output about commands that have ended: their outputs, in the order of the list or of their ends, and one line
// for each in the job log and in the list of failed commands. Records may come in any order, and twice.
#pragma once

#include "command_list.hpp"
#include "record.hpp"

#include <stint/output.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace stint::commands {

/// A command in the form of a job log: GNU parallel writes a line end as a NUL byte.
std::string in_joblog(std::string_view text);

struct ReportOptions {
  bool unordered = false;
  bool tag = false;
  std::uint64_t only = 0;  ///< number of the only command whose output is shown; 0: all
  bool only_stderr = false;
  std::string results;  ///< folder; empty: none
  std::string joblog;   ///< path; empty: none
  std::string failed;   ///< path; empty: none
};

class Report {
 public:
  /// `list` outlives the report. `shown`: file with the numbers whose output an earlier leader of this call has shown; empty:
  /// there is none. `here`: this host; outputs of commands that ran here must exist. Throws BadInput if a file
  /// cannot be written.
  Report(ReportOptions options, const CommandList& list, std::filesystem::path store,
         const std::filesystem::path& shown = {}, std::string here = {});

  /// Reports that a command ended. `error`: why it counts as failed; empty: it succeeded.
  void take(const Record& record, const std::string& error, Output& out);
  /// No more records will come: shows the outputs that wait for earlier commands.
  void tell_waiting(Output& out);
  [[nodiscard]] bool told_any() const { return told_any_; }
  /// Throws DataLost if outputs that were kept on this host are missing or damaged.
  void refuse_losses() const;
  /// Flushes what was shown, and notes in the file that it was.
  void settle(Output& out);

 private:
  void tell(const Record& record, Output& out);
  void tell_first_waiting(Output& out);
  std::uint64_t show_output(const Record& record, bool errors, const std::string& tag, std::ostream& to);
  void write_joblog(const Record& record);
  void write_results(const Record& record);
  void note_loss(const Record& record, const char* how);

  const ReportOptions options_;
  const CommandList& list_;
  const std::filesystem::path store_;
  const std::string here_;
  std::vector<bool> seen_;                   // by number - 1
  std::map<std::uint64_t, std::string> waiting_;  // by number, packed: they wait for earlier commands
  Names names_;                                   // of their records
  std::uint64_t next_ = 1;
  bool told_any_ = false;
  std::map<std::string, std::vector<std::uint64_t>> lost_;  // how → numbers of commands
  std::vector<bool> shown_before_;  // by number - 1
  std::string shown_now_;           // lines for the file `shown`
  std::ofstream joblog_, failed_, shown_;
};

}  // namespace stint::commands
