// SPDX-License-Identifier: Apache-2.0
// The leader's work: reads new nodes from the board, merges siblings in memory, folds now and then what it merged,
// and finishes the run when each chunk is done or failed. The tree fixes every merge, so nodes may come in any
// order. Called by the reducer thread of worker.cpp, or by a simulation. If its memory does not fit the board (another
// leader, a damaged node, a lost reply), it drops its memory and reads again: the board is the truth.
#pragma once

#include <stint/detail/any_job.hpp>

#include "base/clock.hpp"
#include "base/node.hpp"
#include "engine/session.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace stint {

struct ReducerOptions {
  double fold_seconds = 3;  ///< minimum time between two folds
  std::size_t fold_nodes = 16;  ///< minimum number of nodes for a fold
};

/// The functions that the reducer calls outside the engine.
struct Finisher {
  /// Renders the result for the user, not visible yet. Throws what the job throws.
  std::function<void(Partial partial, const RunState& state)> render;
  /// Returns fields that are kept with the run.
  std::function<std::map<std::string, std::string>(const RunState& state)> fields;
  /// Called with each partial once it is on the board, in any order, and again after a restart. Null: the job does not
  /// follow. Parts that it removes from a partial are not merged.
  std::function<void(Range chunks, Hidden& partial)> follow;
  /// Called with all chunks that failed for good, at each change.
  std::function<void(const std::map<std::uint64_t, std::string>& failures)> follow_failures;
  /// Returns how the same call ends, and its line, when the run halts.
  std::function<Halted(const RunState& state)> halt;
  /// Called when the run has halted: no partial will follow. Null: the job does not follow.
  std::function<void()> follow_end;
  std::function<std::string(const Node&, const Hidden&)> encode;
  std::function<Partial(const Node&, std::string_view frame)> decode;  ///< throws on damage
  std::function<std::string(const Hidden&, std::uint64_t chunks)> encode_result;
  /// Returns the partial of a node on the board that this rank made and still has; else null. It has the same bytes.
  std::function<Partial(const Node&)> own = [](const Node&) { return nullptr; };
};

class Reducer {
 public:
  Reducer(Session& session, const AnyJob& job, Blackboard& board, const Clock& clock, Finisher finisher,
          ReducerOptions options = {});

  /// Reads, merges, folds and finishes as far as possible; returns the seconds until the next step. BoardLost passes through.
  double step();

 private:
  struct Merged {
    Partial partial;
    std::vector<Node> made_of;  // names on the board
  };
  void forget();
  bool check(const RunState& state);
  void halt(const RunState& state);
  bool read_new_nodes(const RunState& state, bool& rejected);
  void take(const Node& name, Partial partial);
  void follow_failures(const RunState& state, bool complete);
  void merge_in(Node node, Merged merged);
  [[nodiscard]] std::size_t foldable() const;
  bool fold(const RunState& state);
  double finish(const RunState& state);
  double does_not_fit();

  Session& session_;
  const AnyJob& job_;
  Blackboard& board_;
  const Clock& clock_;
  const Finisher finisher_;
  const ReducerOptions options_;

  std::map<Node, Merged> merged_;  // no two are siblings
  std::set<Node> known_;           // names on the board that are in merged_
  std::uint64_t seen_done_ = ~std::uint64_t{0};
  std::uint64_t seen_failed_ = 0;
  double next_failures_ = 0;
  double next_fold_ = 0;
  double pause_ = 0.002;
  double next_look_ = 0;
  double next_check_ = 0;          // time of the next comparison with the board
  std::uint64_t checked_done_ = ~std::uint64_t{0};
  int misfits_ = 0;                // successive reads of the board that did not fit together
  std::map<Node, int> rejected_;   // how often each was recomputed
};

}  // namespace stint
