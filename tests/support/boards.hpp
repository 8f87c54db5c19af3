// SPDX-License-Identifier: Apache-2.0
// A blackboard for a test, the fake or a real Redis, with its clock in the test's hand: opened by many, looked at
// whole, saved and rolled back as by a server that lost its last second.
#pragma once

#include "blackboard/blackboard.hpp"
#include "support/fake_run.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace stint::test_support {

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

/// Chunks in all of them.
std::uint64_t count(const Ranges& ranges);

/// A sentence about the rule of 'Truth and hints' (docs/protocol.md) that is broken; empty if none is.
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
  /// Changes a byte of the `which`-th node, if there is any.
  virtual void damage(const RunSpec& spec, std::uint64_t which) = 0;
};

std::unique_ptr<Boards> fake_boards();
std::unique_ptr<Boards> redis_boards();  ///< one server for the whole program; emptied by each call

}  // namespace stint::test_support
