// SPDX-License-Identifier: Apache-2.0
// The command line of a program: finds the verb and its arguments, and calls the verb. command_line_options.cpp has the
// options of each verb, command_line.cpp the calls. Made by run_main.
#pragma once

#include <stint/main.hpp>
#include <stint/options.hpp>

#include "base/program.hpp"
#include "cli/command_words.hpp"
#include "cli/guardian.hpp"
#include "cli/launched_rank.hpp"
#include "cli/run.hpp"
#include "cli/run_options.hpp"
#include "cli/verbs/ls.hpp"
#include "cli/verbs/rm.hpp"

#include <CLI/App.hpp>

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace stint {

/// The blackboard for a verb.
struct BoardChoice {
  std::string board;
  std::string board_file;
};

class CommandLine {
 public:
  /// `begun`: seconds on the steady clock at the entry of main. `launched` must outlive this object.
  CommandLine(int argc, char** argv, std::span<const JobEntry> jobs, double begun, LaunchedRank& launched)
      : argc_(argc), argv_(argv), jobs_(jobs), begun_(begun), launched_(launched), program_(program()) {}

  /// Parses the command line and executes the verb. Returns the exit code; throws Error, BadInput, BoardLost.
  int operator()();

 private:
  struct Candidate {
    std::unique_ptr<AnyJob> job;
    Options options;
    CLI::App* app = nullptr;
  };

  void add_run();
  void add_other_verbs();
  int run();
  int rerun();
  static bool has_subcommand(const CLI::App& app, const std::string& name);
  int start(JobNamed job);
  std::vector<std::string> words();
  void read_variables_of(const std::string& verb);
  void parse();

  const int argc_;
  char** const argv_;
  const std::span<const JobEntry> jobs_;
  const double begun_;
  LaunchedRank& launched_;
  const std::string program_;
  CLI::App app_{"Farms a job out over MPI ranks that share one Redis as a blackboard; survives and resumes."};
  RunOptions options_;
  std::vector<std::unique_ptr<Candidate>> candidates_;
  std::vector<JobParser> job_parsers_;
  CLI::App* run_ = nullptr;

  BoardChoice choice_;
  bool json_ = false;
  ListOptions listing_;
  RemoveOptions removal_;
  std::string name_;
  std::string output_;
  bool partial_ = false;
  std::string home_;
  GuardOptions guard_;
  bool foreground_ = false;
  bool stop_ = false;
  std::string trial_;
  std::string chunk_;
  std::string chunk_list_;
  bool all_failed_ = false;
};

}  // namespace stint
