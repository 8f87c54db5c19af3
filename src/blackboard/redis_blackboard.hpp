// SPDX-License-Identifier: Apache-2.0
// The blackboard on a real Redis: each step is one EVALSHA of a script in lua/. Loads scripts that the server does not
// have yet. See blackboard.hpp for the contract.
#pragma once

#include "blackboard/blackboard.hpp"
#include "blackboard/keys.hpp"
#include "blackboard/scripts.hpp"
#include "redis/link.hpp"

#include <array>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace stint {

class RedisBlackboard final : public Blackboard {
 public:
  /// `edit` changes the text of every script before the server gets it; a simulation uses it to set the time.
  using Edit = std::string (*)(std::string_view text);
  RedisBlackboard(redis::Address address, std::string run, Edit edit = nullptr);
  RedisBlackboard(redis::Finder find, std::string run, Edit edit = nullptr);

  Joined create(const RunSpec& spec, bool fresh, bool accept_program) override;
  Joined join(const Caller& caller, const std::string& who, std::int64_t slot, const std::string& program) override;
  Claimed claim(const Caller& caller, const ClaimWish& wish) override;
  Committed commit(const Caller& caller, const Work& work, const std::vector<Entry>& entries) override;
  Failed fail(const Caller& caller, const Failure& failure, double delay) override;
  Refusal end(std::uint64_t generation, int exit_code, const std::string& error) override;
  Renewed renew(const std::string& worker, std::uint64_t generation, bool computes, const std::string& at_work) override;
  Refusal reap(std::uint64_t generation, const std::string& worker, std::optional<std::uint64_t> beat,
               Blame blame) override;
  Refusal leave(const Caller& caller, const std::string& died = "") override;
  Refusal fold(const std::string& worker, std::uint64_t generation, const std::vector<Node>& removed,
               const std::vector<Entry>& put, bool lift) override;
  std::pair<Refusal, bool> mend(const std::string& worker, std::uint64_t generation) override;
  Refusal reject(std::uint64_t generation, Node node, const std::string& frame) override;
  Refusal finish(const Finish& finish) override;
  Refusal halt(const Halted& halted) override;
  Refusal cancel() override;
  Revived rerun(const RerunWish& wish) override;

  std::optional<RunState> state() override;
  std::string plan() override;
  std::vector<Node> nodes() override;
  std::vector<std::string> frames(const std::vector<Node>& nodes) override;
  std::map<std::string, std::string> workers() override;
  std::optional<std::string> who(const std::string& worker) override;
  std::map<std::uint64_t, std::string> failures() override;
  std::optional<std::string> result() override;

  /// The reply of the script `explain`: where a chunk is. None: it is not in the run, or the run is done.
  std::optional<std::map<std::string, std::string>> explain(std::uint64_t chunk);
  /// Worker → `seconds since the epoch;JSON`: its last heartbeat, and its activity then (Workload::at_work).
  std::map<std::string, std::string> at_work();
  /// Worker → the ranges that it holds.
  std::map<std::string, std::vector<Range>> claims();
  /// For each of these chunks, whether it is done.
  std::vector<bool> done(const std::vector<std::uint64_t>& chunks);
  std::map<std::string, std::string> beats();  ///< worker → number of its last heartbeat
  std::string leader();  ///< empty: there is no leader
  double now();          ///< seconds since the epoch, on the server's clock
  /// The longest chunks, and their seconds.
  std::vector<std::pair<std::uint64_t, double>> slowest();
  /// The last events, newest first: seconds since the epoch, kind, text.
  struct Event {
    double time = 0;
    std::string kind;
    std::string text;
  };
  std::vector<Event> events(std::size_t most);

  /// Seconds for which a done run, and its line in the list of runs, are kept.
  static constexpr int keep_seconds = 14 * 24 * 3600;

 private:
  redis::Reply command(std::span<const std::string_view> words);
  redis::Reply command(std::initializer_list<std::string_view> words);
  redis::Reply call(const scripts::Script& script, std::span<const std::string_view> words);
  redis::Reply call(const scripts::Script& script, std::initializer_list<std::string_view> words);
  std::map<std::string, std::string> hash(const std::string& key);

  redis::Link link_;
  std::string run_;
  Edit edit_;
  std::array<std::string, keys::count> keys_;
};

}  // namespace stint
