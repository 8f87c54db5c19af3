// SPDX-License-Identifier: Apache-2.0
// Carries ranges from the blackboard to the workload and nodes back, one round trip at a time, while the team computes.
// Called by the courier thread of worker.cpp, or by a simulation. Each step does at most one thing on the board. If the board
// is lost, BoardLost passes through and nothing has changed here: the caller calls the step again.
#pragma once

#include "base/clock.hpp"
#include "engine/session.hpp"
#include "engine/workload.hpp"

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace stint {

struct CourierOptions {
  double commit_seconds = 1;  ///< maximum time that results are held: a crash costs these
  double lease = 10;          ///< seconds
  bool steal = true;
  bool copies = true;         ///< in the tail, make speculative copies of slow claims of other workers
  double chunk_timeout = 0;   ///< seconds after which a chunk counts as failed; 0: never
  double grace = 20;          ///< seconds for which running chunks may continue once the rank is to stop
  double leave_idle = 0;      ///< seconds without work after which this rank leaves the run; 0: never
  double deadline = 0;        ///< on the clock: no chunk is started that may end later; 0: none
  std::uint64_t partial_limit = std::uint64_t{64} << 20;  ///< bytes of one encoded partial
  std::string host;
  std::uint32_t seed = std::random_device{}();  ///< for the jitter of pauses
};

class Courier {
 public:
  /// `encode` makes the frame of a node. `rejoin` joins the board under a new id after this worker was fenced.
  Courier(Session& session, Workload& workload, Blackboard& board, const Clock& clock, CourierOptions options,
          std::function<std::string(const Node&, const Hidden&)> encode, std::function<void()> rejoin);

  /// Does the next due request; returns the seconds until another may be due, unless the workload changes before.
  double step();

 private:
  Caller caller(const std::vector<Node>& but = {});
  [[nodiscard]] bool sending() const { return !pending_.empty() || !collected_.empty(); }
  [[nodiscard]] double commit_at() const;
  void encode_portion();
  void note_price();
  void commit();
  void claim(double now);
  void tell_failure(const ChunkFailure& failure);
  bool give_up_overdue();
  bool ending() const;
  bool leave_if_idle(double now);
  double drain(double now);
  double halt(double now);
  bool refused(Refusal refusal);

  Session& session_;
  Workload& workload_;
  Blackboard& board_;
  const Clock& clock_;
  const CourierOptions options_;
  const std::function<std::string(const Node&, const Hidden&)> encode_;
  const std::function<void()> rejoin_;

  std::uint64_t number_ = 0;          // number of the last request sent
  double round_trip_ = 0.0005;        // seconds, moving average of claims
  double last_cost_ = 0;              // of the last claim
  double next_claim_ = 0;
  int misses_ = 0;                    // successive claims without a range
  bool starved_ = false;              // the last claim found nothing
  bool full_ = false;
  double drains_since_ = -1;
  double idle_since_ = -1;
  bool let_go_ = false;               // all claims were released, since the run halts
  std::vector<std::pair<Node, Partial>> collected_;  // to be committed, not encoded yet
  std::vector<Entry> pending_;        // a portion of them: encoded, not acknowledged yet
  Work pending_work_;
  // Seconds of a whole commit, with all its portions: encoding, transfer, disk; and the share of one node. The minimum of
  // the last two commits is used, since a server may stall once.
  struct Price {
    double whole = 0;
    double node = 0;
  };
  Price price_, last_price_;
  double portions_seconds_ = 0;       // of the commit in progress
  std::size_t portions_nodes_ = 0;
  std::minstd_rand random_;
};

}  // namespace stint
