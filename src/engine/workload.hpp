// SPDX-License-Identifier: Apache-2.0
// The work of one rank: ranges claimed and not started, running blocks, nodes computed and not committed. The
// courier fills and empties it; the team's threads take blocks and put their results. Thread-safe. The thread that brings
// the second of two siblings merges them at once, outside the lock.
#pragma once

#include <stint/detail/any_job.hpp>

#include "base/clock.hpp"
#include "base/node.hpp"
#include "base/range_set.hpp"
#include "blackboard/blackboard.hpp"
#include "engine/costs.hpp"
#include "engine/policy.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stint {

/// A chunk whose computation threw.
struct ChunkFailure {
  std::uint64_t chunk = 0;
  int attempt = 1;
  std::string error;
  std::string detail = {};  ///< kept with the chunk for the job
};

/// Chunks that one thread computes at a time.
struct Block {
  std::uint64_t number = 0;  ///< identifies the block: its chunks may be computed again while a thread is lost to them
  Range chunks;
  int attempt = 1;
  std::uint64_t epoch = 0;
  double begun = 0;
  const std::atomic<std::uint64_t>* at_work = nullptr;  ///< the chunk that the thread computes; null: not known
  std::string note = {};  ///< the job's own words for what it does there
};

class Workload {
 public:
  /// Larger nodes are left to the leader: a commit sets a bit for each chunk, and must not keep the board busy for
  /// long.
  static constexpr unsigned largest_level = 19;
  static constexpr std::uint64_t largest_node_chunks = std::uint64_t{1} << largest_level;

  Workload(const AnyJob& job, Costs costs, int threads, const Clock& clock);

  // The team.
  /// Waits for work; none: the workload is closed.
  std::optional<Block> take(const std::atomic<std::uint64_t>* at_work = nullptr);
  /// The same without waiting; none: no work now, or closed.
  std::optional<Block> try_take();
  /// Notes what the job does in the block that the thread took with this `at_work`.
  void tell(const std::atomic<std::uint64_t>* at_work, std::string_view note);
  /// Hands in a block of `take`: its nodes, and its failed chunks with their errors.
  void put(const Block& block, std::vector<std::pair<Node, Partial>> nodes, std::vector<ChunkFailure> failures);
  /// The thread left the block (stop requested): its chunks, except those of `nodes`, stay held until the worker leaves.
  void abandon(const Block& block, std::vector<std::pair<Node, Partial>> nodes = {});

  // The courier.
  struct Taken {
    std::vector<std::pair<Node, Partial>> nodes;
    Work work;
  };
  /// `apart`: a speculative copy of another worker's claim; its nodes are not merged with others.
  void add(Range chunks, int attempt, bool apart = false);
  [[nodiscard]] policy::Demand demand() const;
  /// Wake the courier when less than this many seconds of work are ready.
  void set_low_water(double seconds);
  /// Seconds of the rank for one unit of cost; 0: not known yet.
  [[nodiscard]] double rate() const;
  /// Removes and returns all nodes, for a commit. Their chunks stay held until `committed`.
  Taken collect();
  /// Since when the oldest node waits; none: no node waits.
  [[nodiscard]] std::optional<double> waiting_since() const;
  void committed(const std::vector<Node>& nodes);
  /// Keeps a node about to be committed, so that the reducer of this rank need not read it back. Keeps a bounded number.
  void keep(const Node& node, Partial partial);
  Partial take_kept(const Node& node);
  std::optional<ChunkFailure> next_failure();
  void failure_told(std::uint64_t chunk);
  void add_failure(ChunkFailure failure);
  /// Gives up a block that has been computed for longer than `seconds`, with all its chunks; its thread counts as lost until
  /// it returns. Returns the running chunk as failed. None: there is no such block.
  std::optional<ChunkFailure> give_up_overdue(double seconds);
  /// The chunk that has been computed for the longest time, and when it started.
  [[nodiscard]] std::optional<std::pair<std::uint64_t, double>> oldest_running() const;
  /// JSON for the heartbeats. `done`: chunks that this rank has computed without an error; `running`: blocks that run now;
  /// `oldest`: seconds of the oldest of them; `chunks`: chunks that have run for longer than half a second, at most eight
  /// objects with chunk, seconds and what.
  [[nodiscard]] std::string at_work() const;
  [[nodiscard]] int threads() const;  ///< without those given up
  /// Gives up chunks not started, from the back, until at most `seconds` of work are left. True: it gave up some. Keeps one
  /// chunk for each idle thread, which would only claim it again; but with 0 `seconds` keeps nothing.
  bool trim(double seconds);
  /// Everything held, except `but`.
  [[nodiscard]] std::vector<Range> held(const std::vector<Node>& but = {}) const;
  [[nodiscard]] bool idle() const;  ///< nothing ready, running, to commit or to report
  [[nodiscard]] double cost(Range range) const { return costs_.of(range); }
  /// Drops everything: the worker was fenced. Results of blocks still running are dropped when they come.
  void reset();
  /// Ends the waits of the team: no more work.
  void close();

  std::function<void()> on_change = [] {};  ///< set before threads start; called without the lock
  bool tell_first_node = false;  ///< set before threads start: call on_change for the first node to commit, not only when idle

 private:
  std::optional<Block> next_block();
  void insert(Node node, Partial partial, std::uint64_t epoch);
  bool came_back(const Block& block);
  static std::uint64_t chunk_at_work(const Block& block);
  [[nodiscard]] double ready_seconds(double now) const;

  const AnyJob& job_;
  const Costs costs_;
  const int all_threads_;
  const Clock& clock_;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable work_or_end_;
  bool closed_ = false;
  std::uint64_t epoch_ = 0;
  std::uint64_t blocks_ = 0;  // started so far
  std::deque<std::pair<Range, int>> ready_;
  double ready_cost_ = 0;
  std::uint64_t ready_chunks_ = 0;
  std::vector<Block> running_;
  int threads_;               // of all_threads_, without those given up
  std::vector<Block> lost_;   // given up, still computed by their threads
  std::map<Node, Partial> nodes_;
  std::map<Node, Partial> kept_;
  std::optional<double> oldest_node_;
  std::deque<ChunkFailure> failures_;
  RangeSet held_;
  RangeSet apart_;            // copies
  Work work_;
  std::uint64_t done_ = 0;    // chunks computed without an error
  double last_end_ = -1;
  double low_water_ = 0.002;
  double busy_ = 0;          // decaying sums, for the rate
  double busy_cost_ = 0;
  double busy_chunks_ = 0;
  double decayed_at_ = 0;
};

}  // namespace stint
