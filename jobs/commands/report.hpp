// SPDX-License-Identifier: Apache-2.0
// What the leader tells of commands that have ended: their output, in the order of the list or as they end, and a line
// each in the job log and in the list of those that failed. Records may come in any order, and twice.
#pragma once

#include "output_log.hpp"

#include <boost/serialization/version.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace stint::commands {

/// How a command ended, where and when.
struct Record {
  std::uint64_t number = 0;  ///< in the list, from 1
  std::int32_t exit = 0;     ///< exit code; -1: it timed out
  std::int32_t signal = 0;
  double start = 0;  ///< seconds since the epoch
  double seconds = 0;
  std::string host;
  Place place;      ///< of the whole output, in the store of its host
  Carried carried;  ///< where that may not be the leader's store: what the leader is to put into its own,
  Place copy;       ///< which is here then
  template <class Archive>
  void serialize(Archive& archive, unsigned version) {
    archive& number& exit& signal& start& seconds& host& place;
    if (version > 0) archive& carried& copy;  // records of 0 may lie on a blackboard
  }
};

/// A command as it stands in a job log: GNU parallel writes a line end as a NUL byte.
std::string in_joblog(std::string command);

/// A record as the text (UTF-8, whatever the output) that is kept with a failed chunk, and back. Throws std::exception
/// for what is none.
std::string text_of(const Record& record);
Record record_of(const std::string& text);

struct ReportOptions {
  bool unordered = false;
  bool tag = false;
  std::uint64_t only = 0;  ///< number of the one command whose output is shown; 0: all
  bool only_stderr = false;
  std::string results;  ///< folder; empty: none
  std::string joblog;   ///< path; empty: none
  std::string failed;   ///< path; empty: none
};

class Report {
 public:
  struct Names {
    const std::string* text = nullptr;  ///< the command
    const std::vector<std::string>* values = nullptr;  ///< that it was made with
  };
  /// `names`: by number - 1; what they point to outlives the report. `shown`: file of the numbers whose output was
  /// shown by a rank before us; empty: none was. Throws BadInput when a file cannot be written.
  Report(ReportOptions options, std::vector<Names> names, std::filesystem::path store,
         const std::filesystem::path& shown = {});

  /// One command ended; `error`: why it counts as failed, empty: it succeeded.
  void take(const Record& record, const std::string& error, std::ostream& out);
  /// No others will come: tells those that wait for them.
  void tell_waiting(std::ostream& out);
  [[nodiscard]] bool told_any() const { return told_any_; }
  /// Lets what was told be seen, and notes that it was.
  void settle(std::ostream& out);

 private:
  void tell(const Record& record, std::ostream& out);
  std::uint64_t show_output(const Record& record, bool errors, const std::string& tag, std::ostream& to) const;
  void write_joblog(const Record& record);
  void write_results(const Record& record);

  const ReportOptions options_;
  const std::vector<Names> names_;
  const std::filesystem::path store_;
  std::vector<bool> seen_;                   // by number - 1
  std::map<std::uint64_t, Record> waiting_;  // for the ones before them
  std::uint64_t next_ = 1;
  bool told_any_ = false;
  std::vector<bool> shown_before_;  // by number - 1
  std::string shown_now_;           // lines for the file
  std::ofstream joblog_, failed_, shown_;
};

}  // namespace stint::commands

BOOST_CLASS_VERSION(stint::commands::Record, 1)
