// SPDX-License-Identifier: Apache-2.0
// The job `commands`: a list of shell commands, one a chunk. The thread that takes a chunk runs its command
// (process.hpp); the output goes to a log (output_log.hpp), and the tree carries how the command ended (record.hpp). The
// leader follows the records and shows outputs in the order of the list (report.hpp). If the leader cannot read the log
// of a host, the records of that host carry the beginning of the output; the leader unloads that into its own log.
#pragma once

#include "arguments.hpp"
#include "command_list.hpp"
#include "failure_text.hpp"
#include "output_log.hpp"
#include "process.hpp"
#include "record.hpp"
#include "report.hpp"
#include "settings.hpp"

#include <stint/archive.hpp>
#include <stint/job.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace stint::commands {

/// Files for the output of one thread's commands, reused from command to command.
struct Files {
  Scratch out, err;
};

class Commands {
 public:
  static constexpr auto name = "commands";
  static constexpr auto about = "runs a list of shell commands, and shows their output in its order";
  static constexpr auto version = "3";
  static constexpr bool side_effects = true;
  static constexpr auto item = "command";

  void options(Options& options);
  std::string source();
  std::string take_over(const CommandList& old, const std::vector<Records>& records,
                        const std::vector<FailedChunk>& failed);
  CommandList plan(const Context& context);
  [[nodiscard]] std::string describe(const Command& command) const { return command.text; }
  [[nodiscard]] FailureText describe_failure(const CommandList& list, const FailedChunk& failed,
                                             const Context& context) const {
    return failure_text(list, failed, context.store_dir());
  }
  [[nodiscard]] TextRows describe_done(const CommandList& list, std::uint64_t chunk, const Records& records,
                                       const Context& context) const {
    return done_rows(list, chunk, records, context.store_dir());
  }
  void prepare(const Context& context);
  [[nodiscard]] Files scratch(const Context&) const { return {}; }
  [[nodiscard]] Records compute(const Command& command, const Context& context, Files& files) const;
  void reduce(Records& left, Records right) const;
  [[nodiscard]] Records empty() const { return {}; }
  void begin_follow(const CommandList& plan, const Context& context);
  void unload(Records& records);
  void follow(Range chunks, const Records& records, Output& output);
  void follow_failure(const FailedChunk& failed, Output& output);
  void follow_end(Output& output);
  void finish(Records records, Output& output);

 private:
  void check() const;
  [[nodiscard]] std::vector<std::string> texts_read() const;
  [[nodiscard]] std::vector<std::string> environment(const Context& context) const;
  [[nodiscard]] std::vector<std::string> words_of(const Command& command, const std::string& slot) const;
  [[nodiscard]] Ended run(const Command& command, const Context& context, Files& files) const;

  std::vector<std::string> words_;
  std::vector<std::string> each_;
  bool null_ = false;  // values and commands end in NUL
  std::string workdir_;
  Settings settings_;
  std::string timeout_;
  std::string expect_;
  bool shuffle_ = false;
  double delay_ = 0;
  std::uint64_t memory_free_ = 0;
  std::int64_t only_ = -1;  // number of the only command whose output is shown; -1: all
  bool only_stderr_ = false;
  ReportOptions report_options_;
  bool read_ = false;
  bool nothing_there_ = false;    // a text of the list that can be read only once is not available in this call
  std::string missing_;           // the error if the user gave no commands or values
  CommandList plan_;              // as read by source()
  const CommandList* list_ = nullptr;  // the list that is followed

  std::shared_ptr<Template> template_;  // for the values; null: the list has whole commands
  std::shared_ptr<Processes> processes_;
  std::shared_ptr<OutputLog> log_;
  std::shared_ptr<Keeper> keeper_;
  std::shared_ptr<Report> report_;
  std::map<std::uint64_t, Place> copies_;  // number in the list → the unloaded output, since a record may come again
};

}  // namespace stint::commands
