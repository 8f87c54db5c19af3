// SPDX-License-Identifier: Apache-2.0
// The options of `stint run`, beside those of the job.
#pragma once

#include <stint/range.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace stint {

struct RunOptions {
  std::string rerun;        ///< run whose failed chunks are queued again; empty: the verb is `run`
  std::vector<Range> rerun_chunks;  ///< only these of them; empty: all
  std::vector<std::string> rerun_words;  ///< options of its job that change
  std::vector<std::string> texts;  ///< texts that the job reads while it plans, perhaps standard input (`-`) or a pipe
  int ranks = 0;            ///< -n; 0: not given
  std::string hostfile;     ///< for mpirun
  std::string mpirun;       ///< more arguments for mpirun
  std::string board;        ///< address; empty: embedded
  std::string board_file;
  std::string interface;    ///< on which the embedded blackboard listens: a name, an address, auto, none; empty: auto if needed
  bool fresh = false;
  bool accept_program = false;
  std::string run_id;
  int threads = 0;          ///< 0: from the cores
  double lease = 10;        ///< seconds
  double commit_every = 1;  ///< seconds
  std::optional<std::uint32_t> retries;  ///< none: 2, or 0 for a job with side effects
  std::uint64_t check = 0;  ///< chunks to compute again with other thread counts
  std::string max_failed;   ///< maximum of failed chunks with which the run goes on: N or N%; empty: any number
  std::string halt;         ///< how,of=N or N%; empty: never
  double chunk_timeout = 0; ///< seconds; 0: none
  double stall_timeout = 0; ///< seconds; 0: 10 min, where a running chunk counts as progress
  double time_limit = 0;    ///< seconds; 0: none
  double grace = 20;        ///< seconds
  bool no_copies = false;
  bool dry_run = false;     ///< plan, print, stop
  bool exit_count = false;  ///< the exit code is the number of failed chunks, at most 101; 255 for other errors
  bool wait = false;        ///< in a run that another world owns: stay until its end, and print the result
  std::optional<int> restarts;  ///< maximum of restarts of a world that lost all its ranks; none: 5
  bool no_steal = false;
  std::uint64_t partial_limit = std::uint64_t{64} << 20;  ///< bytes
  std::uint64_t plan_limit = std::uint64_t{256} << 20;    ///< bytes
  double board_timeout = 60;                              ///< seconds
  std::string output;
  std::string summary;
  bool progress = false;
  bool verbose = false;
  bool quiet = false;
  std::string log;
};

}  // namespace stint
