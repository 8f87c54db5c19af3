// SPDX-License-Identifier: Apache-2.0
// What every Blackboard must do, tested on the fake and on a real Redis alike: TEST_P(BoardTest, …) runs on both. A
// test drives Hands (workers) over the public interface, and may look at a Picture of all that lies on the board.
#pragma once

#include "blackboard/blackboard.hpp"
#include "support/fake_run.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <ostream>
#include <set>

namespace stint {

// For messages of failed tests.
inline void PrintTo(Refusal refusal, std::ostream* out) { *out << word_of(refusal); }
inline void PrintTo(Range range, std::ostream* out) { *out << '[' << range.first << ", " << range.last << ')'; }
inline void PrintTo(Node node, std::ostream* out) { *out << node.name(); }

}  // namespace stint

namespace stint::testing {

struct PicturedSuspect {
  Range range;
  int deaths = 0;
  std::string holder;
  bool operator==(const PicturedSuspect&) const = default;
};

/// All that lies on the board for one run, in one form for both implementations.
struct Picture {
  RunState run;
  std::vector<bool> done;
  std::vector<bool> slots;  ///< taken
  std::map<Node, std::string> nodes;
  std::map<std::string, Ranges> queues;  ///< "-" is the pool
  std::map<std::string, Ranges> claims;
  std::map<std::string, double> load;
  std::map<std::string, std::uint64_t> beats;
  std::set<std::uint64_t> delayed, failed;
  std::vector<PicturedSuspect> suspects;      ///< by first chunk
  std::map<std::string, std::string> hosts;   ///< `failures in a row;done then`, or `benched`
  std::string leader;
  std::uint64_t node_bytes = 0;

  [[nodiscard]] Ranges pool() const { return queues.contains("-") ? queues.at("-") : Ranges{}; }
};

/// What of 'Truth and hints' (docs/design.md) does not hold, as a sentence; empty when all holds.
std::string broken_rule(const Picture& picture, const RunSpec& spec);

class Boards {
 public:
  virtual ~Boards() = default;
  virtual std::unique_ptr<Blackboard> open(const std::string& run) = 0;
  virtual Picture look(const RunSpec& spec) = 0;
  /// Lets so many seconds pass for what is delayed.
  virtual void advance(double seconds) = 0;
  /// Remembers the run as it lies there, and brings it back: a server that lost its last second.
  virtual void save() = 0;
  virtual void roll_back() = 0;
};

std::unique_ptr<Boards> fake_boards();
std::unique_ptr<Boards> redis_boards();  ///< one server for the whole program; emptied by each call

RunSpec spec_of(std::uint64_t chunks, std::uint64_t slots);
std::vector<Node> nodes_of(const Ranges& ranges);
std::uint64_t count(const Ranges& ranges);
std::string frame_of(Node node);

/// A worker as a test wants it: counts its requests, knows what it holds.
class Hand {
 public:
  Hand(Blackboard& board, std::string name) : board_(&board) { caller.worker = std::move(name); }

  Joined join(std::int64_t slot = -1, const std::string& program = "v1");
  /// Adds what it is given to `held`.
  Claimed claim(const ClaimWish& wish = {.cost = 4});
  /// Gives up the nodes' chunks, then sends the nodes with the frames of frame_of.
  Committed commit(const std::vector<Node>& nodes);
  Committed commit(const Ranges& ranges) { return commit(nodes_of(ranges)); }
  Failed fail(std::uint64_t chunk, double delay = 0, const std::string& error = "no luck", bool crash = false);
  Refusal leave();
  Renewed renew() { return board_->renew(caller.worker, caller.generation, false); }
  /// Claims and commits until nothing comes any more; the sources of what came,
  /// in order.
  std::vector<std::string> work_off(const ClaimWish& wish = {.cost = 4});

  Caller caller;

 private:
  void drop(Range range);
  Blackboard* board_;
};

class BoardTest : public ::testing::TestWithParam<const char*> {
 protected:
  BoardTest();
  /// Makes the run and a hand that has joined it.
  Hand start(std::uint64_t chunks, std::uint64_t slots = 1, std::int64_t slot = -1);
  Hand joined(const std::string& name, std::int64_t slot = -1);
  Picture look() { return boards->look(spec); }
  /// The leader merges all that there is to one result.
  Refusal finish(const Hand& leader);

  std::unique_ptr<Boards> boards;
  std::unique_ptr<Blackboard> board;
  RunSpec spec;
};

}  // namespace stint::testing
