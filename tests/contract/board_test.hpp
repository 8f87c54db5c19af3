// SPDX-License-Identifier: Apache-2.0
// What every Blackboard must do, tested on the fake and on a real Redis alike: TEST_P(BoardTest, …) runs on both. A
// test drives Hands (workers) over the public interface, and may look at a Picture of all that lies on the board.
#pragma once

#include "blackboard/blackboard.hpp"
#include "support/boards.hpp"

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

namespace stint::test_support {

RunSpec spec_of(std::uint64_t chunks, std::uint64_t slots);
std::vector<Node> nodes_of(const Ranges& ranges);
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
  Renewed renew() { return board_->renew(caller.worker, caller.generation, false, ""); }
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

}  // namespace stint::test_support
