// SPDX-License-Identifier: Apache-2.0
// One process's execution of `run` and `rerun`, in six files: run.cpp has the sequence and computes, run_board.cpp finds
// the blackboard, run_prepare.cpp makes or finds the run, run_take_over.cpp reuses what a run of an older list has
// done, run_conclude.cpp reports the end, job_steps.cpp reports a death in a step of the job. Only these include it.
#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "blackboard/redis_blackboard.hpp"
#include "cli/display.hpp"
#include "cli/embedded.hpp"
#include "cli/identity.hpp"
#include "cli/launched_rank.hpp"
#include "cli/output_file.hpp"
#include "cli/rendezvous.hpp"
#include "cli/result_output.hpp"
#include "cli/run.hpp"
#include "cli/terminal.hpp"
#include "cli/threads.hpp"
#include "engine/session.hpp"
#include "engine/whereabouts.hpp"
#include "redis/address.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace stint {
namespace mpi {
class World;
}

/// Members in the order in which they become known.
class RunCommand {
 public:
  RunCommand(const RunOptions& options, JobNamed job_named, double begun, LaunchedRank& launched)
      : options_(options), job_named_(std::move(job_named)), begun_(begun), launched_(launched) {}

  int operator()();

 private:
  void start_board();
  void find_board();
  void follow_board();
  void listen_for_other_hosts();
  std::string tell_place(mpi::World& world, std::optional<WorldHost>& host, std::optional<Error>& trouble);  // rank 0
  std::string hear_place(mpi::World& world);                                                                // others
  bool rank_0_lost() const { return ticket_ && ticket_->rank_0_lost(); }
  std::string place_told() const;
  void take_place(const std::string& told);
  std::string place_without_mpi();
  template <class Step>
  auto patiently(Step step);
  void choose(const std::string& job);
  bool prepare_rerun();
  std::int64_t failed_chunks_allowed(std::uint64_t chunks) const;
  bool ends_early() const;
  Whereabouts whereabouts() const;
  Halted halted(const RunState& state) const;
  double deadline() const;
  void show_plan();
  bool prepare_run();   // rank 0; false: nothing to compute
  bool await_run();     // other ranks; false: nothing to compute
  bool take_plan();
  ResultOutput& live_output();
  void follow(const std::function<void()>& step);
  void write_summary(const RunState& state, std::uint64_t computed_here);
  // A world that joins a run is a guest, unless --wait: it leaves when nothing is left to do, and prints nothing.
  bool guest() const { return joined_ && !options_.wait; }
  Outcome compute();
  int conclude(const Outcome& outcome);
  void say_failures(RedisBlackboard& board, const RunState& state);
  void say_halted(RedisBlackboard& board, const std::string& why, int code);
  int code_of(const RunState& state) const;  // of a finished run
  int error_code(int code) const;            // of another one
  void result_is_out() const { launched_.report_printed(Terminal::standard().written()); }
  int show_stored(RedisBlackboard& board, const RunState& state);
  void take_source_of(RunIdentity& identity, const std::optional<RunState>& found) const;
  void say_of_changed_input(const RunIdentity& identity);
  std::string earlier_run(const RunIdentity& identity, const std::optional<RunState>& found) const;
  std::string run_of_older_input(const RunIdentity& identity) const;
  void take_over(const std::string& earlier);
  void let_go_of(const std::string& earlier);
  std::map<std::string, std::string> final_fields(const RunState& state) const;
  RunFacts facts() const;
  std::filesystem::path store_mark() const;
  void mark_store() const;  // rank 0
  bool store_shared() const;
  bool report_exit(int code, bool with_result) const;
  void in_job_step(const char* name, const std::function<void()>& call);
  void check(const RunFacts& facts);
  void check_finished();
  int ended_by_death(const RunState& state);
  int say_and_end(const std::string& line, Exit exit);
  int go(std::optional<WorldHost>& host);
  void obey(int signal);
  double init_seconds() const;
  double broadcast_seconds() const;
  int leave(mpi::World& world, int code) const;
  [[noreturn]] void refuse_program(const RunState& state) const;

  const RunOptions& options_;
  const JobNamed job_named_;
  const double begun_;
  const double begun_unix_ = unix_now();
  LaunchedRank& launched_;
  const bool fresh_ = options_.fresh && !launched_.begun_before();

  std::optional<LocalTicket> ticket_;  // how ranks of one host communicate, without MPI
  AnyJob* job_ = nullptr;
  Options* job_options_ = nullptr;
  std::unique_ptr<Display> display_;
  std::unique_ptr<ResultOutput> output_;
  std::unique_ptr<OutputFile> summary_;
  std::optional<EmbeddedStart> start_;     // on rank 0, for the embedded blackboard
  redis::Address address_;                 // of the blackboard, for processes of this host
  std::optional<redis::Address> network_;  // the same for other hosts
  redis::Finder board_;                    // its present address
  std::string world_id_;
  int rank_ = 0;
  int ranks_ = 1;
  int ranks_here_ = 1;
  int rank_here_ = 0;
  int hosts_ = 1;
  Threads threads_;
  std::string run_;
  std::string identity_;
  std::uint64_t seed_ = 0;
  std::string program_;
  std::uint64_t computed_before_ = 0;
  std::uint64_t done_before_ = 0;
  bool joined_ = false;    // another world owns the run
  bool owned_ = true;      // when the run ended here, a rank was present that is not a guest
  bool rendered_ = false;  // output_ holds the result
  std::string output_error_;  // why no more of the result is shown
  bool following_ = false; // begin_follow was called
  int exit_ = 0;        // of rank 0 if there is nothing to compute
  Session session_;
  std::atomic<bool> at_work_{false};  // signals stop the session, not the process
  bool stopping_ = false;  // a signal asked to stop
};

}  // namespace stint
