// SPDX-License-Identifier: Apache-2.0
#include "cli/board_upkeep.hpp"

#include "blackboard/directory.hpp"
#include "cli/home.hpp"
#include "cli/quantity_text.hpp"
#include "redis/connection.hpp"

#include <charconv>
#include <string>
#include <string_view>
#include <thread>

namespace stint {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;
constexpr auto look_every = std::chrono::minutes(10);
constexpr auto answer_bound = std::chrono::seconds(5);
constexpr int most_in_vain = 2;  // one may have begun just before a large run was removed
constexpr auto upkeep_pause = std::chrono::milliseconds(10);

std::uint64_t field(std::string_view info, std::string_view name) {
  const auto at = info.find("\n" + std::string(name) + ":");
  std::uint64_t number = 0;
  if (at != info.npos) {
    const auto text = info.substr(at + name.size() + 2);
    std::from_chars(text.data(), text.data() + text.size(), number);
  }
  return number;
}

}  // namespace

BoardFacts board_facts(const redis::Address& address) {
  BoardFacts facts;
  try {
    redis::Connection connection(address, answer_bound);
    const auto info = "\n" + connection.command({"INFO", "clients", "memory", "persistence"}).str();
    facts.answers = true;
    facts.clients = static_cast<int>(field(info, "connected_clients")) - 1;
    facts.file = field(info, "aof_current_size");
    facts.base = field(info, "aof_base_size");
    facts.data = field(info, "used_memory_dataset");
    facts.rewriting = field(info, "aof_rewrite_in_progress") != 0;
  } catch (const std::exception&) {
    // The caller sees that the server does not answer.
  }
  return facts;
}

// A rewrite costs a fork, and writes all data; while clients are connected it waits until it saves much.
bool rewrite_pays(const BoardFacts& facts, bool idle) {
  return facts.answers && !facts.rewriting && facts.file > (idle ? 1 * mebi + 2 * facts.data : 64 * mebi + 3 * facts.data);
}

void BoardUpkeep::now_and_then(const redis::Address& address, const BoardFacts& facts) {
  if (!facts.answers) return;
  if (rewriting_ && !facts.rewriting) {
    rewriting_ = false;
    rewritten_ = facts.base;  // without what was written since
    in_vain_ = rewrite_pays(facts, true) ? in_vain_ + 1 : 0;
  }
  const bool idle = facts.clients == 0;
  if (steady_clock::now() >= next_look_) {
    next_look_ = steady_clock::now() + look_every;
    forget_expired(address);
  } else if (rewrite_pays(facts, idle)) {
    rewrite(address, facts);
  }
}

void BoardUpkeep::before_end(const redis::Address& address, std::chrono::seconds patience) {
  const auto end = steady_clock::now() + patience;
  auto facts = board_facts(address);
  if (rewrite_pays(facts, true)) rewrite(address, facts);
  do {
    facts = board_facts(address);
    if (!facts.rewriting) return;
    std::this_thread::sleep_for(upkeep_pause);
  } while (steady_clock::now() < end);
}

void BoardUpkeep::forget_expired(const redis::Address& address) {
  try {
    Directory directory(address);
    for (const auto& run : directory.runs()) {
      const auto files = store_folder(home_, run);  // kept with the run
      std::error_code ignored;
      if (directory.forget_expired(run)) fs::remove_all(files, ignored);
    }
  } catch (const std::exception&) {
    // Retried at the next look.
  }
}

void BoardUpkeep::rewrite(const redis::Address& address, const BoardFacts& facts) {
  if (in_vain_ >= most_in_vain && facts.file <= 2 * rewritten_) return;  // it cannot get much smaller
  try {
    redis::Connection(address, answer_bound).command({"BGREWRITEAOF"});
    rewriting_ = true;
  } catch (const std::exception&) {
    // Retried at the next look.
  }
}

}  // namespace stint
