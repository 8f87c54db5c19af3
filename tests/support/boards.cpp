// SPDX-License-Identifier: Apache-2.0
#include "support/boards.hpp"

#include "blackboard/keys.hpp"
#include "blackboard/redis_blackboard.hpp"
#include "support/fake_blackboard.hpp"
#include "support/redis_server.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace stint::test_support {
namespace {

constexpr const char* run_id = "run";

class FakeBoards final : public Boards {
 public:
  std::unique_ptr<Blackboard> open(const std::string& run) override {
    return std::make_unique<FakeBlackboard>(server_, run);
  }
  void advance(double seconds) override { server_->advance(seconds); }
  void save() override {
    saved_ = server_->with(run_id, [](const FakeRun& run) { return run; });
  }
  void roll_back() override {
    server_->with(run_id, [this](FakeRun& run) { run = *saved_; });
  }

  void damage(const RunSpec& spec, std::uint64_t which) override {
    server_->with(spec.run, [&](FakeRun& run) {
      if (run.nodes.empty()) return;
      const auto node = std::next(run.nodes.begin(), static_cast<std::ptrdiff_t>(which % run.nodes.size()));
      auto& frame = node->second;
      frame[frame.size() / 2] = static_cast<char>(frame[frame.size() / 2] ^ 1);
    });
  }

  Picture look(const RunSpec& spec) override {
    return server_->with(spec.run, [](const FakeRun& run) {
      Picture picture;
      picture.run = run.shown(true);
      picture.done = run.done;
      picture.slots = run.slots;
      picture.nodes = run.nodes;
      picture.leader = run.leader;
      if (!run.pool.empty()) picture.queues["-"] = run.pool;
      for (const auto& [name, worker] : run.workers) {
        picture.queues[name] = worker.queue;
        picture.claims[name] = worker.held;
        picture.load[name] = worker.load;
        picture.beats[name] = worker.beat;
      }
      for (const auto& [chunk, due] : run.delayed) picture.delayed.insert(chunk);
      for (const auto& [chunk, text] : run.failures) picture.failed.insert(chunk);
      for (const auto& [node, frame] : run.nodes) picture.node_bytes += frame.size();
      for (const auto& [first, suspect] : run.suspects) {
        picture.suspects.push_back({{first, suspect.last}, suspect.deaths, suspect.holder});
      }
      for (const auto& [host, tally] : run.hosts) {
        picture.hosts[host] = tally.benched ? "benched" : std::to_string(tally.in_a_row) + ";" + std::to_string(tally.done_then);
      }
      return picture;
    });
  }

 private:
  std::shared_ptr<FakeServer> server_ = std::make_shared<FakeServer>();
  std::optional<FakeRun> saved_;
};

Ranges ranges_in(std::string_view text) {
  Ranges ranges;
  std::size_t at = 0;
  const auto number = [&] {
    std::uint64_t value = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      value = value * 10 + static_cast<std::uint64_t>(text[at] - '0');
    }
    ++at;
    return value;
  };
  while (at < text.size()) {
    const auto first = number();
    ranges.push_back({first, number()});
  }
  return ranges;
}

std::uint64_t as_number(std::string_view text) { return std::strtoull(std::string(text).c_str(), nullptr, 10); }

// Reads every key by itself: what the tests check must not pass through the code that they test.
constexpr std::string_view read_all = R"lua(
local all = {}
for i, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  all[i] = kind == 'hash' and redis.call('HGETALL', key) or kind == 'zset' and redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    or kind == 'string' and redis.call('GET', key) or {}
end
return all)lua";

// The server's clock cannot be moved, so the scripts look at ours; each look is a microsecond later than the last.
std::string on_our_time(std::string_view text) {
  constexpr std::string_view theirs = "local time = redis.call('TIME')\n  return tonumber(time[1]) + tonumber(time[2]) / 1e6";
  constexpr std::string_view ours =
      "local ticks = redis.pcall('INCR', 'stint:ticks')\n"
      "  return tonumber(redis.call('GET', 'stint:now')) + (type(ticks) == 'number' and ticks or 0) / 1e6";
  const auto at = text.find(theirs);
  if (at == text.npos) throw std::logic_error("lua/common.lua has another clock now");
  return std::string(text).replace(at, theirs.size(), ours);
}

class RedisBoards final : public Boards {
 public:
  explicit RedisBoards(redis::Address address)
      : address_(std::move(address)), connection_(address_), board_(address_, run_id, on_our_time) {
    connection_.command({"FLUSHALL"});
    advance(1'000'000);
  }
  std::unique_ptr<Blackboard> open(const std::string& run) override {
    return std::make_unique<RedisBlackboard>(address_, run, on_our_time);
  }

  void advance(double seconds) override {
    now_ += seconds;
    connection_.command({"SET", "stint:now", std::to_string(now_)});
  }

  void save() override {
    saved_.clear();
    for (const auto& key : keys_) saved_.push_back(connection_.command({"DUMP", key}).str());
  }

  void roll_back() override {
    for (std::size_t i = 0; i < saved_.size(); ++i) {
      connection_.command({"DEL", keys_[i]});
      if (!saved_[i].empty()) connection_.command({"RESTORE", keys_[i], "0", saved_[i]});
    }
  }

  void damage(const RunSpec& spec, std::uint64_t which) override {
    auto nodes = look(spec).nodes;
    if (nodes.empty()) return;
    auto& [node, frame] = *std::next(nodes.begin(), static_cast<std::ptrdiff_t>(which % nodes.size()));
    frame[frame.size() / 2] = static_cast<char>(frame[frame.size() / 2] ^ 1);
    connection_.command({"HSET", keys_[10], node.name(), frame});
  }

  Picture look(const RunSpec& spec) override {
    const auto count = std::to_string(keys::count);
    std::vector<std::string_view> line{"EVAL", read_all, count};
    line.insert(line.end(), keys_.begin(), keys_.end());
    const auto all = connection_.command(line);
    Picture picture;
    if (auto state = board_.state()) picture.run = std::move(*state);
    picture.node_bytes = as_number(picture.run.fields["node_bytes"]);
    for (const auto& [worker, score] : pairs(all[3])) picture.load[worker] = std::stod(score);
    for (const auto& [worker, beat] : pairs(all[4])) picture.beats[worker] = as_number(beat);
    picture.slots = bits(all[6].text(), spec.slots);
    for (const auto& [worker, text] : pairs(all[7])) picture.queues[worker] = ranges_in(text);
    for (const auto& [worker, text] : pairs(all[8])) {
      picture.claims[worker] = ranges_in(std::string_view(text).substr(text.find(';') + 1));
    }
    picture.done = bits(all[9].text(), spec.chunks);
    for (const auto& [name, frame] : pairs(all[10])) {
      const auto colon = name.find(':');
      picture.nodes[{static_cast<unsigned>(as_number(name.substr(0, colon))), as_number(name.substr(colon + 1))}] =
          frame;
    }
    for (const auto& [chunk, due] : pairs(all[12])) picture.delayed.insert(as_number(chunk));
    for (const auto& [chunk, text] : pairs(all[13])) picture.failed.insert(as_number(chunk));
    picture.leader = all[14].str();
    for (const auto& [name, value] : pairs(all[17])) {
      picture.suspects.push_back({ranges_in(name).at(0), static_cast<int>(as_number(value)), ""});
    }
    for (const auto& [worker, list] : pairs(all[23])) {
      std::istringstream items(list);
      for (std::string item; std::getline(items, item, ',');) {
        const auto colon = item.find(':');
        picture.suspects.push_back(
            {ranges_in(item.substr(colon + 1)).at(0), static_cast<int>(as_number(item.substr(0, colon))), worker});
      }
    }
    std::ranges::sort(picture.suspects, {}, [](const auto& each) { return each.range.first; });
    for (const auto& [host, value] : pairs(all[18])) picture.hosts[host] = value;
    return picture;
  }

 private:
  static std::vector<std::pair<std::string, std::string>> pairs(redis::ReplyView reply) {
    std::vector<std::pair<std::string, std::string>> list;
    for (std::size_t i = 0; i + 1 < reply.size(); i += 2) list.emplace_back(reply[i].str(), reply[i + 1].str());
    return list;
  }

  static std::vector<bool> bits(std::string_view bytes, std::uint64_t length) {
    std::vector<bool> bits(length);
    for (std::uint64_t i = 0; i < length && i / 8 < bytes.size(); ++i) {
      bits[i] = (static_cast<unsigned char>(bytes[i / 8]) >> (7 - i % 8) & 1) != 0;
    }
    return bits;
  }

  redis::Address address_;
  redis::Connection connection_;
  RedisBlackboard board_;
  std::array<std::string, keys::count> keys_ = keys::of_run(run_id);
  std::vector<std::string> saved_;
  double now_ = 0;
};

}  // namespace

std::unique_ptr<Boards> fake_boards() { return std::make_unique<FakeBoards>(); }

std::unique_ptr<Boards> redis_boards() {
  static RedisServer server;
  return std::make_unique<RedisBoards>(server.address());
}

std::uint64_t count(const Ranges& ranges) {
  std::uint64_t sum = 0;
  for (const auto range : ranges) sum += range.size();
  return sum;
}

std::string broken_rule(const Picture& picture, const RunSpec& spec) {
  const auto chunks = spec.chunks;
  std::vector<int> owners(chunks), hints(chunks);
  std::uint64_t bytes = 0, bits = 0;
  for (const auto& [node, frame] : picture.nodes) {
    if (node.last() > chunks) return "node " + node.name() + " lies beyond the plan";
    bytes += frame.size();
    for (auto chunk = node.first(); chunk < node.last(); ++chunk) ++owners[chunk];
  }
  const auto hint = [&](const Ranges& ranges) {
    for (const auto range : ranges) {
      for (auto chunk = range.first; chunk < std::min(range.last, chunks); ++chunk) ++hints[chunk];
    }
  };
  for (const auto& [worker, ranges] : picture.queues) hint(ranges);
  for (const auto& [worker, ranges] : picture.claims) hint(ranges);
  for (const auto chunk : picture.delayed) ++hints[chunk];
  for (const auto& suspect : picture.suspects) {
    if (suspect.holder.empty()) hint({suspect.range});
  }
  const FakeRun fresh(spec, 1, 0);
  for (std::uint64_t slot = 0; slot < picture.slots.size(); ++slot) {
    if (!picture.slots[slot]) hint(fresh.slot_ranges(slot));
  }
  for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
    const std::string name = "chunk " + std::to_string(chunk);
    bits += picture.done[chunk] ? 1 : 0;
    if (owners[chunk] != (picture.done[chunk] ? 1 : 0)) {
      return name + (picture.done[chunk] ? " is done" : " is not done") + " and in " + std::to_string(owners[chunk]) +
             " nodes";
    }
    const bool failed = picture.failed.contains(chunk);
    if (failed && picture.done[chunk]) return name + " is done and failed";
    if (!picture.done[chunk] && !failed && hints[chunk] == 0) return name + " is open and nobody knows of it";
    if (picture.done[chunk] && picture.delayed.contains(chunk)) return name + " is done and delayed";
  }
  if (bits != picture.run.done) return "the count of done chunks is not that of the bits";
  if (picture.failed.size() != picture.run.failed) return "the count of failed chunks is not that of the failed";
  if (bytes != picture.node_bytes) return "the bytes of the nodes are miscounted";
  for (const auto& [worker, beat] : picture.beats) {
    if (!picture.claims.contains(worker) || !picture.queues.contains(worker) || !picture.load.contains(worker)) {
      return worker + " has beats, but no claims, queue or load";
    }
    const double load = picture.load.at(worker);
    if (!(load >= 0) || (spec.profile.empty() && (load > 0) != (count(picture.queues.at(worker)) > 0))) {
      return worker + " has load " + std::to_string(load) + " with " +
             std::to_string(count(picture.queues.at(worker))) + " chunks in its queue";
    }
  }
  if (picture.claims.size() != picture.beats.size()) return "somebody has claims and no beats";
  if (picture.load.size() != picture.beats.size()) return "somebody has load and no beats";
  if (!picture.leader.empty() && !picture.beats.contains(picture.leader)) return "the leader has no beats";
  return {};
}

}  // namespace stint::test_support
