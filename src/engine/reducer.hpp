// SPDX-License-Identifier: Apache-2.0
// The leader's work: reads new nodes from the board, merges siblings in memory, folds from time to time what it merged,
// and finishes the run when each chunk is done or failed. The tree fixes every merge, so it does not matter in which
// order nodes come. Called by the reducer thread of worker.cpp, or by a simulation. When anything does not fit what is
// on the board (another leader, a damaged node, a lost reply), it forgets all and reads again: the board is the truth.
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
  double fold_seconds = 3;  ///< at most so often
  std::size_t fold_nodes = 16;  ///< and not for fewer nodes than this
};

/// What the reducer needs from outside.
struct Finisher {
  /// Renders the result for the user, where nobody sees it yet. Throws what the job throws.
  std::function<void(Partial partial, const RunState& state)> render;
  /// Fields that are kept with the run.
  std::function<std::map<std::string, std::string>(const RunState& state)> fields;
  /// Is shown each partial once it is on the board, in any order, again after a restart; null: nobody wants to see
  /// them. What it takes off a partial is not merged.
  std::function<void(Range chunks, Hidden& partial)> follow;
  /// The same for the chunks that failed for good, all of them at each change.
  std::function<void(const std::map<std::uint64_t, std::string>& failures)> follow_failures;
  /// How the same call shall end, and what it shall say, when the run halts.
  std::function<Halted(const RunState& state)> halt;
  /// Nothing more will follow: the run halted. Null: nobody wants to know.
  std::function<void()> follow_end;
  std::function<std::string(const Node&, const Hidden&)> encode;
  std::function<Partial(const Node&, std::string_view frame)> decode;  ///< throws on damage
  std::function<std::string(const Hidden&, std::uint64_t chunks)> encode_result;
  /// A node on the board that this rank made and still has; null: it has not. Its bytes are those on the board.
  std::function<Partial(const Node&)> own = [](const Node&) { return nullptr; };
};

class Reducer {
 public:
  Reducer(Session& session, const AnyJob& job, Blackboard& board, const Clock& clock, Finisher finisher,
          ReducerOptions options = {});

  /// Reads, merges, folds, finishes what there is; returns the seconds until the next look. BoardLost passes through.
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

  std::map<Node, Merged> merged_;  // no two of them siblings
  std::set<Node> known_;           // names on the board that are in merged_
  std::uint64_t seen_done_ = ~std::uint64_t{0};
  std::uint64_t seen_failed_ = 0;
  double next_failures_ = 0;
  double next_fold_ = 0;
  double pause_ = 0.002;
  double next_look_ = 0;
  double next_check_ = 0;          // of what lies on the board
  std::uint64_t checked_done_ = ~std::uint64_t{0};
  int misfits_ = 0;                // one after another: looks at the board that did not fit together
  std::map<Node, int> rejected_;   // how often each was computed again
};

}  // namespace stint
