// SPDX-License-Identifier: Apache-2.0
// The job `commands`: a list of shell commands, one a chunk. A command runs on the thread that takes its chunk
// (process.hpp), its output goes to a log (output_log.hpp), and what the tree carries is how it ended (record.hpp). The
// leader follows the records and shows outputs in the order of the list (report.hpp). From a host whose log the leader
// does not see, a record carries the beginning of the output; the leader unloads that into its own log.
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

/// Files that one thread's commands write to, one after another.
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
  bool null_ = false;  // a NUL byte ends what is read
  std::string workdir_;
  Settings settings_;
  std::string timeout_;
  std::string expect_;
  bool shuffle_ = false;
  double delay_ = 0;
  std::uint64_t memory_free_ = 0;
  std::int64_t only_ = -1;  // number of the command whose output alone is shown
  bool only_stderr_ = false;
  ReportOptions report_options_;
  bool read_ = false;
  bool nothing_there_ = false;    // what the list was to be read from, and can be read only once, is empty
  std::string missing_;           // what is wrong then, if this is no run that goes on
  CommandList plan_;              // as read by source()
  const CommandList* list_ = nullptr;  // what is followed

  std::shared_ptr<Template> template_;  // that values are put into; null: the commands stand in a list
  std::shared_ptr<Processes> processes_;
  std::shared_ptr<OutputLog> log_;
  std::shared_ptr<Keeper> keeper_;
  std::shared_ptr<Report> report_;
  std::map<std::uint64_t, Place> copies_;  // number in the list → what was unloaded, since it may come again
};

}  // namespace stint::commands
