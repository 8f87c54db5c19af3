// SPDX-License-Identifier: Apache-2.0
// The blackboard as the engine sees it: the one narrow seam between decisions and Redis. Each method that changes
// state is one atomic step which checks everything first, may be sent twice and may arrive late; the rules are those of
// docs/design.md, 'Truth and hints'. Two implementations obey one contract suite: RedisBlackboard and the fake in
// tests/.
//
// Expected refusals are values (`Refusal`). Exceptions: BoardLost (no answer; nothing is known of the outcome; call
// again with a higher request number) and Error (the board refuses for good). Not thread-safe: one object a thread.
#pragma once

#include <stint/range.hpp>

#include "base/node.hpp"

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace stint {

/// The connection broke, timed out, or the server is loading, busy, or out of room: wait, and send again.
class BoardLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Why a step was not taken. The words stand in src/blackboard/lua/README.md.
enum class Refusal {
  none,
  gone,      ///< no such run, or another generation of it: stop
  ended,     ///< the run's state is not `running`: stop
  fenced,    ///< this worker was given up: drop everything, join anew under a new id
  stale,     ///< an older request number than the last seen, or what the request names has changed: look again
  full,      ///< too many nodes wait for the leader: commit all, then wait
  program,   ///< the run belongs to another version of the program
  identity,  ///< the run id belongs to other content
};
[[nodiscard]] const char* word_of(Refusal refusal);

/// Whether a run is ending before all is computed: nothing more is begun, and what is at work ends by itself, or is
/// ended.
enum class Halt { none, soon, now };

/// When a run halts: as soon as so many chunks more than when it was begun, or went on, …
struct HaltRule {
  enum class Of { fail, success, done };
  Halt how = Halt::none;  ///< none: never
  Of of = Of::fail;
  std::uint64_t count = 1;
};

/// What never changes in a run, unless it is made anew.
struct RunSpec {
  std::string run;       ///< run id
  std::string job;       ///< name
  std::string program;   ///< version of the job, or digest of the program file
  std::string identity;  ///< JSON: job, content options, digest of the input
  std::string options;   ///< JSON: option name → list of texts; what ranks compute with
  std::string plan;      ///< one frame
  std::uint64_t chunks = 0;
  std::uint64_t slots = 1;     ///< ranks of the first world
  std::uint32_t retries = 2;
  std::int64_t max_failed = -1;  ///< failed chunks with which the run goes on; -1: any number
  bool ends_early = true;        ///< first chunks that all fail with one error, and others from all over the plan as well, end the run
  HaltRule halt = {};
  std::uint64_t node_limit = 8192;  ///< nodes on the board before `claim` answers FULL
  std::uint64_t byte_limit = std::uint64_t{1} << 30;  ///< and their bytes
  std::vector<double> profile; ///< cost of the chunks before place j of M: see `cost` in lua/common.lua; empty: all alike
  std::string owner = {};      ///< JSON of who makes it, or goes on with it: field `owner` of its state, if nobody else is it
  std::string lost_owner = {}; ///< that field as last read, if whoever it names is known to be gone
};

/// Counters and state of a run, as last read.
struct RunState {
  std::uint64_t generation = 0;
  std::string state;  ///< running done partial failed cancelled
  std::uint64_t chunks = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;    ///< failed chunks
  std::uint64_t computed = 0;  ///< chunks computed and reported, also those refused; no attempts that failed
  std::uint64_t again = 0;     ///< chunks that were in the hands of a lost worker, or came in twice
  std::uint64_t steals = 0;
  std::uint64_t reaped = 0;
  std::uint64_t workers = 0;   ///< joined now
  double busy_seconds = 0;     ///< sum over chunks
  std::map<std::string, std::string> fields;  ///< everything in the hash `run`, for output

  /// Of `fields`; empty where it is missing.
  [[nodiscard]] std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
  [[nodiscard]] double number(const std::string& name, double otherwise = 0) const {
    const auto found = fields.find(name);
    return found == fields.end() ? otherwise : std::strtod(found->second.c_str(), nullptr);
  }
};

/// Sent with every request of a worker. `number` grows with each sending, also of the same request.
struct Caller {
  std::string worker;
  std::uint64_t generation = 0;
  std::uint64_t number = 0;
  std::vector<Range> held;  ///< all that the worker holds after this request, except what it is given
  double rate = 0;          ///< its seconds for one unit of cost; 0: not known yet
};

struct Joined {
  Refusal refusal = Refusal::none;
  RunState state;
  std::string leader;
};

struct ClaimWish {
  double cost = 0;            ///< units of cost that fill the time target
  std::uint64_t least = 1;    ///< chunks; so many threads wait
  double least_steal = 0;     ///< seconds; a steal that saves less is not worth the round trips
  double lease = 10;          ///< seconds
  bool steal = true;
  double copy_after = -1;     ///< seconds after which a slow claim of another may be copied; -1: never
};

struct Claimed {
  Refusal refusal = Refusal::none;
  std::optional<Range> range;  ///< none: nothing to hand out now
  int attempt = 1;
  std::string source;          ///< retry pool own slot steal suspect copy
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t queued = 0;    ///< chunks that still wait in the caller's own queue
  Halt halt = Halt::none;
};

struct Entry {
  Node node;
  std::string frame;
};

struct Work {
  std::uint64_t computed = 0;  ///< chunks computed since the last commit, without attempts that failed
  double busy_seconds = 0;     ///< spent on them, summed over chunks
  double last_end = -1;        ///< seconds since the last chunk ended; -1: none did
  double longest = 0;          ///< seconds of the longest chunk
  std::optional<std::uint64_t> longest_chunk = {};  ///< its number, where it is worth telling
};

struct Committed {
  Refusal refusal = Refusal::none;
  std::vector<Node> refused;  ///< entries not taken, some of their chunks being done
  std::vector<Node> differing;  ///< of these, the ones that lie on the board with other bytes
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  Halt halt = Halt::none;
};

/// What a worker's death means for what it held.
enum class Blame {
  none,     ///< its whole world died, or its user ended it: nothing
  suspect,  ///< nobody was there who knows: computed last, not charged
  charged,  ///< others of its world lived on: one death more
};

/// What went wrong with a chunk.
struct Failure {
  std::uint64_t chunk = 0;
  std::string error;
  bool crash = false;  ///< it kills the rank: the last words of one that knows
  std::string detail = {};  ///< text, UTF-8, that the job wants kept with the chunk; only of the last attempt
};

struct Failed {
  Refusal refusal = Refusal::none;
  bool counted = false;    ///< false: not in the caller's claims, or done
  bool for_good = false;   ///< it was the last attempt
  int attempts = 0;
  bool first = false;      ///< the first failure of the run
  bool benched = false;    ///< the caller's host gets no more work: others succeed where it fails
  Halt halt = Halt::none;
};

struct Renewed {
  Refusal refusal = Refusal::none;
  RunState state;  ///< without `fields`
  std::string leader;
  std::uint64_t leader_beat = 0;
  std::uint64_t active = 0;    ///< grows with each sign that somebody computes
  std::uint64_t failures = 0;  ///< attempts that failed
  Halt halt = Halt::none;
  std::map<std::string, std::uint64_t> beats;  ///< all workers; only for the leader
};

struct Finish {
  std::uint64_t generation = 0;
  std::string worker;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::vector<Node> used;   ///< the nodes on the board that the result was made of: all there are
  std::string result;       ///< one frame
  std::map<std::string, std::string> fields;  ///< kept with the run: times, threads
};

/// The end of a run that halted.
struct Halted {
  std::uint64_t generation = 0;
  std::string worker;
  std::uint64_t done = 0;    ///< that the leader has seen
  std::uint64_t failed = 0;
  int exit_code = 0;         ///< that the same call shall return
  std::string why;           ///< one line
  std::map<std::string, std::string> fields;  ///< kept with the run
};

struct RerunWish {
  std::vector<Range> chunks = {};  ///< none: all that failed
  std::string program = {};        ///< becomes the run's; empty: it stays
  std::optional<std::uint32_t> retries = {};
  std::optional<std::int64_t> max_failed = {};
  std::optional<bool> ends_early = {};
  HaltRule halt = {};
};

struct Revived {
  Refusal refusal = Refusal::none;
  std::uint64_t chunks = 0;  ///< that had failed and get another life
};

class Blackboard {
 public:
  virtual ~Blackboard() = default;

  /// Makes the run with its plan, unless it is there; the loser of two first starts joins the winner's run. `fresh`
  /// drops what is there; a failed or cancelled run goes on. Refuses with `identity` or `program` what differs;
  /// `accept_program` records the new program instead.
  virtual Joined create(const RunSpec& spec, bool fresh, bool accept_program) = 0;
  /// `who`: JSON of who it is (host, boot, pid, start, rank, world, threads, version). `slot`: wished for, -1: none.
  virtual Joined join(const Caller& caller, const std::string& who, std::int64_t slot, const std::string& program) = 0;
  virtual Claimed claim(const Caller& caller, const ClaimWish& wish) = 0;
  virtual Committed commit(const Caller& caller, const Work& work, const std::vector<Entry>& entries) = 0;
  /// `delay`: seconds before another try.
  virtual Failed fail(const Caller& caller, const Failure& failure, double delay) = 0;
  /// Ends the run as failed, with what the same command shall return and say. For bad input and for a step of the job
  /// outside a chunk.
  virtual Refusal end(std::uint64_t generation, int exit_code, const std::string& error) = 0;
  /// `computes`: a chunk, or a step of the job, is at work here. `at_work`: JSON, what the rank does,
  /// for users who look on.
  virtual Renewed renew(const std::string& worker, std::uint64_t generation, bool computes,
                        const std::string& at_work) = 0;
  /// Gives up `worker`, if its heartbeat still is `beat`; without `beat` it is known to be gone.
  virtual Refusal reap(std::uint64_t generation, const std::string& worker, std::optional<std::uint64_t> beat,
                       Blame blame) = 0;
  /// `died`: the worker dies in a step of the job that belongs to no chunk, and how: the third such death ends the run.
  virtual Refusal leave(const Caller& caller, const std::string& died = "") = 0;
  /// Leader only: `put` takes the place of `removed`; `lift` raises the limit of nodes, when nothing can be merged.
  virtual Refusal fold(const std::string& worker, std::uint64_t generation, const std::vector<Node>& removed,
                       const std::vector<Entry>& put, bool lift) = 0;
  /// Leader only: checks what lies on the board against itself and mends it, as after a server that lost the middle of
  /// what it had written; true: there was something to mend.
  virtual std::pair<Refusal, bool> mend(const std::string& worker, std::uint64_t generation) = 0;
  /// A node whose bytes, `frame`, cannot be read is taken out, if it still has these bytes: its chunks are computed
  /// again.
  virtual Refusal reject(std::uint64_t generation, Node node, const std::string& frame) = 0;
  /// Leader only: stores the result and ends the run as `done`, or `partial` when chunks failed.
  virtual Refusal finish(const Finish& finish) = 0;
  /// Leader only: ends a run that is halting, if nobody holds anything any more; stale: not yet.
  virtual Refusal halt(const Halted& halted) = 0;
  /// Ends the run at its user's wish; the same command goes on with what is done.
  virtual Refusal cancel() = 0;
  /// Gives failed chunks another life; a run that had ended goes on.
  virtual Revived rerun(const RerunWish& wish) = 0;

  // Reading. None of these changes anything. Each, as each step, throws Error(damaged) for what no step of a run can
  // have written there.
  virtual std::optional<RunState> state() = 0;
  virtual std::string plan() = 0;
  virtual std::vector<Node> nodes() = 0;
  /// Frames of these nodes, in their order; empty where there is none (any more).
  virtual std::vector<std::string> frames(const std::vector<Node>& nodes) = 0;
  virtual std::map<std::string, std::string> workers() = 0;             ///< worker → who it is
  virtual std::optional<std::string> who(const std::string& worker) = 0;  ///< of them one; none: it is not there
  virtual std::map<std::uint64_t, std::string> failures() = 0;          ///< failed chunk → JSON of its error
  virtual std::optional<std::string> result() = 0;
};

/// Makes a Blackboard with a connection of its own for the run, for one thread.
using BlackboardMaker = std::function<std::unique_ptr<Blackboard>()>;

}  // namespace stint
