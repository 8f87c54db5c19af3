// SPDX-License-Identifier: Apache-2.0
#include "cli/rendezvous.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "blackboard/directory.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace stint {
namespace {

constexpr int word_seconds = 10;     // after which the announcement of a lost rank 0 expires
constexpr int silence_seconds = 5;   // maximum of time without an announcement
constexpr int told_seconds = 3600;
constexpr const char* planning = "planning";
constexpr const char* nothing = "nothing to compute";

}  // namespace

std::string RunWord::encode() const {
  return nlohmann::json{{"run", run}, {"job", job}, {"seed", seed}, {"program", program}, {"options", options}, {"joined", joined}}
      .dump();
}

RunWord RunWord::decode(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  try {
    return {json.at("run"),     json.at("job"),     json.at("seed").get_ref<const nlohmann::json::number_unsigned_t&>(),
            json.at("program"), json.at("options"), json.at("joined")};
  } catch (const nlohmann::json::exception&) {
    throw Error(Exit::damaged, "what rank 0 left on the blackboard for the other ranks cannot be read; the same command starts again");
  }
}

WorldHost::WorldHost(redis::Finder board, std::string world, int ranks)
    : board_(std::move(board)), world_(std::move(world)), alone_(ranks == 1) {
  if (alone_) return;
  try {
    Directory(board_).tell_world(world_, planning, word_seconds);
  } catch (const BoardLost&) {
    // The other ranks also wait for the blackboard.
  }
  renewer_ = std::thread([this] { renew(); });
}

void WorldHost::renew() {
  Directory directory(board_);
  std::unique_lock lock(mutex_);
  while (!stopping_.wait_for(lock, std::chrono::seconds(word_seconds / 5), [this] { return stop_; })) {
    try {
      directory.tell_world(world_, planning, word_seconds);
    } catch (const std::exception&) {
      // A later announcement succeeds, or the other ranks give up.
    }
  }
}

void WorldHost::stop_renewing() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopping_.notify_all();
  if (renewer_.joinable()) renewer_.join();
}

void WorldHost::tell(const RunWord& word) {
  if (alone_) return;
  stop_renewing();
  Directory(board_).tell_world(world_, word.encode(), told_seconds);
  told_ = true;
}

WorldHost::~WorldHost() {
  if (alone_ || told_) return;
  stop_renewing();
  try {
    Directory(board_).tell_world(world_, nothing, told_seconds);
  } catch (const std::exception&) {
    // The other ranks wait until the silence of rank 0 is long enough.
  }
}

std::optional<RunWord> await_word(const redis::Finder& board, const std::string& world, double board_timeout,
                                  const std::function<bool()>& rank_0_lost) {
  Directory directory(board);
  const SteadyClock clock;
  double last_heard = clock.now();
  double lost_since = -1;
  for (double pause = 0.002;; pause = std::min(0.05, pause * 1.5)) {
    const bool lost = rank_0_lost();  // checked first: an announcement from before the loss counts
    std::optional<std::string> word;
    try {
      word = directory.hear_world(world);
      lost_since = -1;
    } catch (const BoardLost&) {
      if (lost_since < 0) lost_since = clock.now();
      if (clock.now() - lost_since > board_timeout) throw;
      last_heard = clock.now();  // rank 0 cannot announce anything while the blackboard is away
    }
    if (word == nothing) return std::nullopt;
    if (word && *word != planning) {
      return RunWord::decode(*word);
    }
    if (word) last_heard = clock.now();
    if (lost || clock.now() - last_heard > silence_seconds) {
      throw Error(Exit::interrupted, "rank 0 was lost before it named the run; the same command starts again");
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(pause));
  }
}

}  // namespace stint
