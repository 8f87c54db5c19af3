// SPDX-License-Identifier: Apache-2.0
// The blackboard as the engine sees it: the one narrow seam between decisions and Redis. Each method that changes
// state is one atomic step: it checks everything first, may be sent twice and may arrive late; docs/protocol.md has the
// rules. Two implementations pass one contract suite: RedisBlackboard and the fake in tests/.
//
// Expected refusals are values (`Refusal`). Exceptions: BoardLost (no answer; the outcome is unknown; call
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

/// The connection broke or timed out, or the server is loading, busy or out of memory: wait, then send again.
class BoardLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Why a step was not taken. src/blackboard/lua/README.md defines the words.
enum class Refusal {
  none,
  gone,      ///< no such run, or another generation of it: stop
  ended,     ///< the run's state is not `running`: stop
  fenced,    ///< this worker was given up: drop everything, join under a new id
  stale,     ///< the request number is older than the last seen, or what the request names has changed: read again
  full,      ///< too many nodes wait for the leader: commit all, then wait
  program,   ///< the run belongs to another version of the program
  identity,  ///< the run id belongs to other content
};
[[nodiscard]] const char* word_of(Refusal refusal);

/// Whether a run ends before all chunks are computed: no chunk is started any more; running chunks end by themselves (soon) or
/// are ended (now).
enum class Halt { none, soon, now };

/// When a run halts: as soon as `count` more chunks have failed, succeeded or ended (`of`) than when this call began.
struct HaltRule {
  enum class Of { fail, success, done };
  Halt how = Halt::none;  ///< none: the run never halts
  Of of = Of::fail;
  std::uint64_t count = 1;
};

/// What stays the same in a run until it is made anew.
struct RunSpec {
  std::string run;       ///< run id
  std::string job;       ///< name
  std::string program;   ///< version of the job, or digest of the program file
  std::string identity;  ///< JSON: job, content options, digest of the input
  std::string options;   ///< JSON: option name → list of texts; ranks compute with these
  std::string plan;      ///< one frame
  std::uint64_t chunks = 0;
  std::uint64_t slots = 1;     ///< ranks of the first world
  std::uint32_t retries = 2;
  std::int64_t max_failed = -1;  ///< maximum of failed chunks with which the run continues; -1: any number
  bool ends_early = true;        ///< the run ends if the first chunks, and then probes from all over the plan, all fail with one error
  HaltRule halt = {};
  std::uint64_t node_limit = 8192;  ///< nodes on the board before `claim` answers FULL
  std::uint64_t byte_limit = std::uint64_t{1} << 30;  ///< the same for the bytes of the nodes
  std::vector<double> profile; ///< cost of the chunks before place j of M: see 'Cost' in lua/common.lua; empty: 1 each
  std::string owner = {};      ///< JSON of the calling world: becomes field `owner` of the run if it has no other owner
  std::string lost_owner = {}; ///< that field as last read, if the world that it names is known to be gone
};

/// Counters and state of a run, as last read.
struct RunState {
  std::uint64_t generation = 0;
  std::string state;  ///< running done partial failed cancelled
  std::uint64_t chunks = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;    ///< failed chunks
  std::uint64_t computed = 0;  ///< chunks computed and reported, including refused ones; without failed attempts
  std::uint64_t again = 0;     ///< chunks that a lost worker held, or that came in twice
  std::uint64_t steals = 0;
  std::uint64_t reaped = 0;
  std::uint64_t workers = 0;   ///< present now
  double busy_seconds = 0;     ///< summed over chunks
  std::map<std::string, std::string> fields;  ///< everything in the hash `run`, for output

  /// One of `fields`; empty if it is missing.
  [[nodiscard]] std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
  [[nodiscard]] double number(const std::string& name, double otherwise = 0) const {
    const auto found = fields.find(name);
    return found == fields.end() ? otherwise : std::strtod(found->second.c_str(), nullptr);
  }
};

/// Sent with every request of a worker. `number` grows each time a request is sent, also when the same request is repeated.
struct Caller {
  std::string worker;
  std::uint64_t generation = 0;
  std::uint64_t number = 0;
  std::vector<Range> held;  ///< all that the worker holds after this request, except what it receives
  double rate = 0;          ///< the worker's seconds for one unit of cost; 0: not known yet
};

struct Joined {
  Refusal refusal = Refusal::none;
  RunState state;
  std::string leader;
};

struct ClaimWish {
  double cost = 0;            ///< units of cost that fill the time target
  std::uint64_t least = 1;    ///< chunks: one for each waiting thread
  double least_steal = 0;     ///< seconds; a steal that saves less is not worth its round trips
  double lease = 10;          ///< seconds
  bool steal = true;
  double copy_after = -1;     ///< seconds after which another worker's slow claim may be copied; -1: never
};

struct Claimed {
  Refusal refusal = Refusal::none;
  std::optional<Range> range;  ///< none: no range is available now
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
  std::uint64_t computed = 0;  ///< chunks computed since the last commit, without failed attempts
  double busy_seconds = 0;     ///< seconds of computing, summed over chunks
  double last_end = -1;        ///< seconds since the last chunk ended; -1: none ended
  double longest = 0;          ///< seconds of the longest chunk
  std::optional<std::uint64_t> longest_chunk = {};  ///< its number, if it is worth a report
};

struct Committed {
  Refusal refusal = Refusal::none;
  std::vector<Node> refused;  ///< entries not accepted: some of their chunks were done
  std::vector<Node> differing;  ///< those of them that are on the board with other bytes
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  Halt halt = Halt::none;
};

/// What a worker's death means for the chunks that it held.
enum class Blame {
  none,     ///< its whole world died, or its user ended it: no effect
  suspect,  ///< no rank knows the cause: computed last, not charged
  charged,  ///< other ranks of its world lived on: one more death
};

/// A failed attempt at a chunk.
struct Failure {
  std::uint64_t chunk = 0;
  std::string error;
  bool crash = false;  ///< the chunk kills its rank, which reports it before it dies
  std::string detail = {};  ///< text, UTF-8, from the job, kept with the chunk; only of the last attempt
};

struct Failed {
  Refusal refusal = Refusal::none;
  bool counted = false;    ///< false: the chunk is not in the caller's claims, or is done
  bool for_good = false;   ///< it was the last attempt
  int attempts = 0;
  bool first = false;      ///< the first failure of the run
  bool benched = false;    ///< the caller's host gets no more work: other hosts succeed where it fails
  Halt halt = Halt::none;
};

struct Renewed {
  Refusal refusal = Refusal::none;
  RunState state;  ///< without `fields`
  std::string leader;
  std::uint64_t leader_beat = 0;
  std::uint64_t active = 0;    ///< grows with each sign that a worker computes
  std::uint64_t failures = 0;  ///< failed attempts
  Halt halt = Halt::none;
  std::map<std::string, std::uint64_t> beats;  ///< all workers; only for the leader
};

struct Finish {
  std::uint64_t generation = 0;
  std::string worker;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::vector<Node> used;   ///< the nodes that the result was made of: all nodes on the board
  std::string result;       ///< one frame
  std::map<std::string, std::string> fields;  ///< kept with the run: times, threads
};

/// The end of a run that halted.
struct Halted {
  std::uint64_t generation = 0;
  std::string worker;
  std::uint64_t done = 0;    ///< as the leader has seen it
  std::uint64_t failed = 0;
  int exit_code = 0;         ///< returned by the same call
  std::string why;           ///< one line
  std::map<std::string, std::string> fields;  ///< kept with the run
};

struct RerunWish {
  std::vector<Range> chunks = {};  ///< empty: all failed chunks
  std::string program = {};        ///< the new program of the run; empty: unchanged
  std::optional<std::uint32_t> retries = {};
  std::optional<std::int64_t> max_failed = {};
  std::optional<bool> ends_early = {};
  HaltRule halt = {};
};

struct Revived {
  Refusal refusal = Refusal::none;
  std::uint64_t chunks = 0;  ///< that had failed and are queued again
};

class Blackboard {
 public:
  virtual ~Blackboard() = default;

  /// Makes the run with its plan if it does not exist; otherwise joins it, and the plan of the caller is dropped. `fresh`
  /// removes an existing run first. A failed or cancelled run is running again. Refuses with `identity` or `program` if these
  /// differ; `accept_program` records the new program instead.
  virtual Joined create(const RunSpec& spec, bool fresh, bool accept_program) = 0;
  /// `who`: JSON of the worker (host, boot, pid, start, rank, world, threads, version). `slot`: the wanted slot; -1: none.
  virtual Joined join(const Caller& caller, const std::string& who, std::int64_t slot, const std::string& program) = 0;
  virtual Claimed claim(const Caller& caller, const ClaimWish& wish) = 0;
  virtual Committed commit(const Caller& caller, const Work& work, const std::vector<Entry>& entries) = 0;
  /// `delay`: seconds before the retry.
  virtual Failed fail(const Caller& caller, const Failure& failure, double delay) = 0;
  /// Ends the run as failed, with the exit code and the line that the same command returns and prints. For bad input, and
  /// for a step of the job outside a chunk.
  virtual Refusal end(std::uint64_t generation, int exit_code, const std::string& error) = 0;
  /// `computes`: this rank computes a chunk, or a step of the job. `at_work`: JSON, what the rank does, for users of
  /// `status`.
  virtual Renewed renew(const std::string& worker, std::uint64_t generation, bool computes,
                        const std::string& at_work) = 0;
  /// Gives up `worker` if its last heartbeat is `beat`. Without `beat` the worker is known to be gone.
  virtual Refusal reap(std::uint64_t generation, const std::string& worker, std::optional<std::uint64_t> beat,
                       Blame blame) = 0;
  /// `died`: how the worker dies in a step of the job outside any chunk; the third such death ends the run. Empty: in good order.
  virtual Refusal leave(const Caller& caller, const std::string& died = "") = 0;
  /// Leader only: replaces `removed` by `put`. `lift` raises the limit of nodes, for when no nodes can be merged.
  virtual Refusal fold(const std::string& worker, std::uint64_t generation, const std::vector<Node>& removed,
                       const std::vector<Entry>& put, bool lift) = 0;
  /// Leader only: compares the keys of the run with each other and repairs them, for example after a server lost a part of
  /// what it had written. True: something was repaired.
  virtual std::pair<Refusal, bool> mend(const std::string& worker, std::uint64_t generation) = 0;
  /// Removes a node whose bytes, `frame`, cannot be read, if it still has these bytes. Its chunks are computed again.
  virtual Refusal reject(std::uint64_t generation, Node node, const std::string& frame) = 0;
  /// Leader only: stores the result and ends the run as `done`, or as `partial` if chunks failed.
  virtual Refusal finish(const Finish& finish) = 0;
  /// Leader only: ends a run that is halting, if no worker holds a chunk; stale: a worker still does.
  virtual Refusal halt(const Halted& halted) = 0;
  /// Ends the run at the request of its user; the same command continues it.
  virtual Refusal cancel() = 0;
  /// Queues failed chunks again; a run that had ended is running again.
  virtual Revived rerun(const RerunWish& wish) = 0;

  // Reading: none of these changes anything. Each of these, and each step, throws Error(damaged) for a value on the board
  // that no step of a run can have written.
  virtual std::optional<RunState> state() = 0;
  virtual std::string plan() = 0;
  virtual std::vector<Node> nodes() = 0;
  /// The frames of these nodes, in their order; empty for a node that is not on the board (any more).
  virtual std::vector<std::string> frames(const std::vector<Node>& nodes) = 0;
  virtual std::map<std::string, std::string> workers() = 0;             ///< worker → the JSON that it joined with
  virtual std::optional<std::string> who(const std::string& worker) = 0;  ///< the same for one; none: not present
  virtual std::map<std::uint64_t, std::string> failures() = 0;          ///< failed chunk → JSON of its error
  virtual std::optional<std::string> result() = 0;
};

/// Makes a Blackboard for the run with its own connection, for one thread.
using BlackboardMaker = std::function<std::unique_ptr<Blackboard>()>;

}  // namespace stint
