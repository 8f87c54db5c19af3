// SPDX-License-Identifier: Apache-2.0
// Runs a job in this process and this thread, without a blackboard: what the engine does with it, in fifty lines. The
// plan and all partials travel as bytes, as they do between ranks; the merges follow the fixed tree. For tests of jobs,
// and as the yardstick for tests of the engine: whatever the ranges, the result must be the same.
#pragma once

#include <stint/detail/adapter.hpp>

#include "base/node.hpp"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <memory>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace stint::support {

/// Option name → its texts; `files` is the positional one.
using Arguments = std::map<std::string, std::vector<std::string>>;

/// Sets the options named; throws std::invalid_argument for one that the job does not have.
inline void set_options(AnyJob& job, const Arguments& arguments) {
  Options options;
  job.options(options);
  for (const auto& [name, texts] : arguments) {
    const Options::Entry* found = nullptr;
    for (const Options::Entry& entry : options.entries()) {
      if (entry.name == name) found = &entry;
    }
    if (found == nullptr) throw std::invalid_argument("no option " + name);
    found->set(texts);
  }
}

class MemoryOutput final : public Output {
 public:
  std::ostream& text() override { return text_; }
  std::ostream& file(const std::string& name) override { return files_[name]; }
  [[nodiscard]] std::string written() const { return text_.str(); }
  [[nodiscard]] std::string written(const std::string& name) const { return files_.at(name).str(); }

 private:
  std::ostringstream text_;
  std::map<std::string, std::ostringstream> files_;
};

/// One run of job J. The leader plans; another rank computes from the plan's bytes.
template <class J>
class InProcess {
 public:
  explicit InProcess(std::initializer_list<Arguments::value_type> arguments, RunFacts facts = {})
      : InProcess(Arguments(arguments), std::move(facts)) {}
  explicit InProcess(const Arguments& arguments, RunFacts facts = {}) : facts_(std::move(facts)) {
    set_options(leader_, arguments);
    set_options(rank_, arguments);
    leader_.plan(Context(facts_));
    rank_.adopt_plan(leader_.encode_plan());
    rank_.prepare(Context(facts_));
    scratch_ = rank_.scratch(Context(facts_));
  }

  [[nodiscard]] std::uint64_t chunks() const { return leader_.chunks(); }
  [[nodiscard]] AnyJob& rank() { return rank_; }

  /// What the chunks that did not fail make of [0, chunks()), encoded; computed in these ranges, one after another.
  [[nodiscard]] std::string partial(const std::vector<Range>& ranges, int attempt = 1) {
    failures.clear();
    Collector collector(*this);
    for (Range range : ranges) rank_.compute(range, attempt, facts_, *scratch_, collector);
    Partial whole;
    for (auto& [first, entry] : collector.nodes) {
      Partial next = leader_.decode(entry.second);
      if (whole) {
        leader_.reduce(*whole, std::move(next));
      } else {
        whole = std::move(next);
      }
    }
    if (!whole) whole = leader_.empty();
    if (!whole) throw std::runtime_error("no partial, and the job has no empty()");
    return leader_.encode(*whole);
  }
  /// The same, finished: what the run prints.
  [[nodiscard]] std::string result(const std::vector<Range>& ranges, int attempt = 1) {
    MemoryOutput output;
    leader_.finish(leader_.decode(partial(ranges, attempt)), output);
    return output.written();
  }
  [[nodiscard]] std::string result() { return result({{0, chunks()}}); }
  /// All chunks in ranges of `length`.
  [[nodiscard]] std::vector<Range> ranges_of(std::uint64_t length) const {
    std::vector<Range> ranges;
    for (std::uint64_t at = 0; at < chunks(); at += length) ranges.push_back({at, std::min(at + length, chunks())});
    return ranges;
  }

  std::map<std::uint64_t, std::string> failures;  ///< of the last call: chunk → error

 private:
  /// Merges two siblings as soon as both are there.
  struct Collector final : Sink {
    explicit Collector(InProcess& run) : owner(run) {}
    void node(unsigned level, std::uint64_t index, Partial partial) override {
      add({level, index}, owner.rank_.encode(*partial));
    }
    void failed(std::uint64_t chunk, std::string error, std::string) override { owner.failures[chunk] = std::move(error); }
    void add(Node node, std::string bytes) {
      const auto sibling = nodes.find(node.sibling().first());
      if (sibling == nodes.end() || sibling->second.first != node.sibling()) {
        if (!nodes.emplace(node.first(), std::pair(node, std::move(bytes))).second) {
          throw std::logic_error("node " + node.name() + " was made twice");
        }
        return;
      }
      std::string& other = sibling->second.second;
      Partial left = owner.leader_.decode(node.is_left() ? bytes : other);
      owner.leader_.reduce(*left, owner.leader_.decode(node.is_left() ? other : bytes));
      nodes.erase(sibling);
      add(node.parent(), owner.leader_.encode(*left));
    }
    InProcess& owner;
    std::map<std::uint64_t, std::pair<Node, std::string>> nodes;  // by first chunk
  };

  RunFacts facts_;
  Adapter<J> leader_;
  Adapter<J> rank_;
  Scratch scratch_;
};

}  // namespace stint::support
