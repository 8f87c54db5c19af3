// SPDX-License-Identifier: Apache-2.0
#include "cli/status.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "blackboard/directory.hpp"
#include "blackboard/redis_blackboard.hpp"
#include "cli/display.hpp"
#include "cli/stored_result.hpp"
#include "cli/summary.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <utility>

namespace stint {
namespace {

using nlohmann::json;
using Describe = std::function<std::string(std::uint64_t chunk)>;

constexpr int most_failed = 10;

// What a chunk is, where its job is one of ours and its plan can still be read. That may be large: only for who asks.
Describe describer(RedisBlackboard& board, const RunState& state, const std::string& run, std::span<const JobEntry> jobs) {
  std::shared_ptr<AnyJob> job;
  for (const auto& entry : jobs) {
    if (entry.name == state.field("job")) job = entry.make();
  }
  return [&board, state, run, job, read = false]([[maybe_unused]] std::uint64_t chunk) mutable {
    try {
      if (job && !std::exchange(read, true)) adopt_stored_plan(*job, board, state, run);
      return job ? job->describe(chunk) : std::string();
    } catch (const Error&) {
      job = nullptr;  // a finished run has none
      return std::string();
    }
  };
}

// The same behind a line on the chunk.
std::string in_line(std::string text) {
  constexpr std::size_t most = 100;
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.empty() ? "" : ": " + (text.size() > most ? text.substr(0, most) + "…" : text);
}

// The longest first.
json chunks_at_work(RedisBlackboard& board, const Describe& describe) {
  const double now = unix_now();
  auto list = json::array();
  for (const auto& [worker, told] : board.at_work()) {
    const auto end = std::min(told.find(';'), told.size() - 1);
    const auto chunks = json::parse(told.substr(end + 1), nullptr, false);
    if (!chunks.is_array()) continue;
    const double since = std::max(0.0, now - std::strtod(told.c_str(), nullptr));
    for (const auto& each : chunks) {
      const auto chunk = each.value("chunk", std::uint64_t{0});
      list.push_back({{"chunk", chunk},
                      {"worker", worker},
                      {"host", worker.substr(0, worker.rfind('/'))},
                      {"seconds", each.value("seconds", 0.0) + since},
                      {"what", each.value("what", "")},
                      {"text", describe(chunk)}});
    }
  }
  std::sort(list.begin(), list.end(), [](const json& a, const json& b) { return a["seconds"] > b["seconds"]; });
  return list;
}

json slowest_chunks(RedisBlackboard& board, const Describe& describe) {
  auto list = json::array();
  for (const auto& [chunk, seconds] : board.slowest()) {
    list.push_back({{"chunk", chunk}, {"seconds", seconds}, {"text", describe(chunk)}});
  }
  return list;
}

void print_workers(RedisBlackboard& board) {
  for (const auto& [worker, who] : board.workers()) {
    const auto known = json::parse(who, nullptr, false);
    fmt::print("worker   {}", worker);
    if (known.is_object()) fmt::print("  pid {}, {}", known.value("pid", 0), counted(known.value("threads", 0U), "thread"));
    fmt::print("\n");
  }
}

void print_failures(RedisBlackboard& board, const Describe& describe) {
  int shown = 0;
  const auto failures = failed_chunks(board.failures());
  for (const auto& failed : failures) {
    if (++shown > most_failed) {
      fmt::print("failed   … and {} more\n", failures.size() - most_failed);
      break;
    }
    fmt::print("failed   chunk {} on {}, {}: {}{}\n", failed.chunk, failed.host,
               counted(static_cast<std::uint64_t>(failed.attempts), "attempt"), failed.error, in_line(describe(failed.chunk)));
  }
}

}  // namespace

int show_status(const redis::Address& address, const std::string& name, bool as_json, std::span<const JobEntry> jobs) {
  const auto run = Directory(address).find(name);
  RedisBlackboard board(address, run);
  const auto state = present_state(board, run);
  const auto describe = describer(board, state, run, jobs);
  const auto at_work = chunks_at_work(board, describe);
  const auto slowest = slowest_chunks(board, describe);
  if (as_json) {
    auto whole = nlohmann::ordered_json::parse(summary_json(state, 0));
    whole["at_work"] = at_work;
    whole["slowest"] = slowest;
    std::puts(whole.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
    return 0;
  }
  fmt::print("run      {}\njob      {}\nstate    {}\nbegun    {} ago\nchunks   {} of {} done", run, state.field("job"),
             state.state, duration(std::max(0.0, unix_now() - state.number("created"))),
             grouped(state.done), grouped(state.chunks));
  if (state.failed > 0) fmt::print(", {} failed", grouped(state.failed));
  fmt::print("\ncomputed {} in all, {} again\nsteals   {}\nlost     {}\n", grouped(state.computed), grouped(state.again),
             state.steals, counted(state.reaped, "worker"));
  if (const auto error = state.field("error"); !error.empty()) fmt::print("error    {}\n", error);
  if (state.state == "running") print_workers(board);
  for (const auto& each : at_work) {
    const auto what = each["what"].get<std::string>();
    fmt::print("at work  chunk {} on {}{}{}, for {}{}\n", each["chunk"].get<std::uint64_t>(), each["host"].get<std::string>(),
               what.empty() ? "" : ", ", what, duration(each["seconds"].get<double>()), in_line(each["text"]));
  }
  for (const auto& each : slowest) {
    fmt::print("slow     chunk {}, {}{}\n", each["chunk"].get<std::uint64_t>(), duration(each["seconds"].get<double>()),
               in_line(each["text"]));
  }
  print_failures(board, describe);
  return 0;
}

}  // namespace stint
