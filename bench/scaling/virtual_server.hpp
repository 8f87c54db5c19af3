// SPDX-License-Identifier: Apache-2.0
// A Redis in virtual time. Each request is really sent to a real server and really answered; how long that took the
// server's processor is its service time. In virtual time the server is one queue: the reply comes after the way there,
// the requests that came before, the service time, and the way back. The clock moves to then before the caller goes on.
// On a machine that others use, too, the same request takes up to three times as long as on a quiet one; so what is
// charged is less by as much as heartbeats take longer than they should. Called by crowd.cpp.
#pragma once

#include "base/clock.hpp"
#include "blackboard/redis_blackboard.hpp"
#include "redis/connection.hpp"

#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace stint::scaling {

class VirtualClock final : public Clock {
 public:
  [[nodiscard]] double now() const override { return now_; }
  void set(double seconds) { now_ = seconds; }
  void advance(double seconds) { now_ += seconds; }

 private:
  double now_ = 0;
};

/// What one kind of request came to.
struct Tally {
  std::uint64_t calls = 0;
  double service = 0;   ///< seconds of the server's processor that were charged
  double measured = 0;  ///< and that it took
  double wait = 0;      ///< seconds in its queue
  double longest = 0;   ///< seconds of service of one
};

class VirtualServer {
 public:
  /// `network`: seconds of a round trip. `as_measured`: each is charged what it took.
  VirtualServer(const redis::Address& address, pid_t server, const std::string& run, VirtualClock& clock,
                double network, bool as_measured);

  /// The board as every rank sees it.
  [[nodiscard]] Blackboard& board() { return *board_; }
  /// A step of a rank begins at this moment; what it computes itself takes time, too.
  void begin(double now);
  /// The step ends; returns when.
  double end();

  [[nodiscard]] const std::map<std::string, Tally>& tallies() const { return tallies_; }
  [[nodiscard]] const std::vector<double>& busy_by_second() const { return busy_by_second_; }
  [[nodiscard]] std::uint64_t round_trips() const { return round_trips_; }

 private:
  void learn(double measured);
  void before();
  void after(const std::string& step);

  VirtualClock& clock_;
  const double network_;
  const bool as_measured_;
  redis::Connection time_;  // by which the scripts are told our time
  std::unique_ptr<Blackboard> board_;
  clockid_t server_clock_ = 0;  // of the processor time of the server's process
  double told_ = -1;            // the time that the scripts know
  double event_ = 0;            // when the step began
  double own_ = 0;              // processor time of ours up to which the clock has gone
  double service_begun_ = 0;
  double heartbeat_ = 60e-6;  // seconds that one takes the server just now, a moving average
  double free_at_ = 0;        // when the server has done all that came so far
  std::uint64_t round_trips_ = 0;
  std::map<std::string, Tally> tallies_;
  std::vector<double> busy_by_second_;
};

}  // namespace stint::scaling
