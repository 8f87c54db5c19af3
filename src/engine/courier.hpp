// SPDX-License-Identifier: Apache-2.0
// Carries ranges from the blackboard to the workload and nodes back, one round trip at a time, while the team computes.
// Called by the courier thread of worker.cpp, or by a simulation: each step does at most one thing on the board, and
// leaves everything as it was when the board is lost (BoardLost passes through), so that it is simply called again.
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
  double commit_seconds = 1;  ///< results are held for at most so long: that is what a crash costs
  double lease = 10;          ///< seconds
  bool steal = true;
  bool copies = true;         ///< in the tail, compute again what another takes too long for
  double chunk_timeout = 0;   ///< seconds after which a chunk has failed; 0: never
  double grace = 20;          ///< seconds that chunks at work may go on once the rank is to stop
  double leave_idle = 0;      ///< seconds without anything to do after which this rank leaves the run to others; 0: never
  double deadline = 0;        ///< on the clock; nothing is begun that will not end before; 0: none
  std::uint64_t partial_limit = std::uint64_t{64} << 20;  ///< bytes of one encoded partial
  std::string host;
  std::uint32_t seed = std::random_device{}();  ///< of the jitter of its pauses
};

class Courier {
 public:
  /// `encode` makes the frame of a node. `rejoin` gives this worker a new id on the board after it was fenced.
  Courier(Session& session, Workload& workload, Blackboard& board, const Clock& clock, CourierOptions options,
          std::function<std::string(const Node&, const Hidden&)> encode, std::function<void()> rejoin);

  /// Does what is due; returns the seconds until something else may be, unless the workload changes before.
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

  std::uint64_t number_ = 0;          // of the last request sent
  double round_trip_ = 0.0005;        // seconds, moving average of claims
  double last_cost_ = 0;              // of the last claim
  double next_claim_ = 0;
  int misses_ = 0;                    // claims in vain, one after another
  bool starved_ = false;              // the last claim found nothing
  bool full_ = false;
  double drains_since_ = -1;
  double idle_since_ = -1;
  bool let_go_ = false;               // of all, since the run halts
  std::vector<std::pair<Node, Partial>> collected_;  // to be committed, not encoded yet
  std::vector<Entry> pending_;        // a portion of them, encoded, not acknowledged
  Work pending_work_;
  // Seconds that a commit takes with all its portions: encoding, way, disk; and the share of one node. Of the last two
  // commits the cheaper one, since a server may stall once.
  struct Price {
    double whole = 0;
    double node = 0;
  };
  Price price_, last_price_;
  double portions_seconds_ = 0;       // of the commit under way
  std::size_t portions_nodes_ = 0;
  std::minstd_rand random_;
};

}  // namespace stint
