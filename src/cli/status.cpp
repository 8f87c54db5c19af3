// SPDX-License-Identifier: Apache-2.0
#include "cli/status.hpp"

#include "base/error.hpp"
#include "blackboard/directory.hpp"
#include "blackboard/redis_blackboard.hpp"
#include "cli/chunk_text.hpp"
#include "cli/display.hpp"
#include "cli/run_view.hpp"
#include "cli/stored_result.hpp"
#include "cli/terminal.hpp"
#include "cli/text_layout.hpp"
#include "cli/verbs.hpp"
#include "cli/what_ran.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace stint {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t most_at_work = 20;          // lines of text
constexpr std::size_t most_failed = 10;           // lines of text
constexpr std::size_t most_failed_json = 10'000;

// The longest first; without those of lost ranks.
json chunks_at_work(const RunView& view, ChunkTexts& texts) {
  auto list = json::array();
  for (const auto& worker : view.workers) {
    if (!worker.lives) continue;
    for (const auto& each : worker.chunks) {
      list.push_back({{"chunk", each.chunk},
                      {"number", texts.number_of(each.chunk)},
                      {"worker", worker.worker},
                      {"host", worker.host},
                      {"seconds", each.seconds},
                      {"what", each.what},
                      {"text", texts.of(each.chunk)}});
    }
  }
  std::sort(list.begin(), list.end(), [](const json& a, const json& b) { return a["seconds"] > b["seconds"]; });
  return list;
}

json slowest_chunks(RedisBlackboard& board, ChunkTexts& texts) {
  auto list = json::array();
  for (const auto& [chunk, seconds] : board.slowest()) {
    list.push_back({{"chunk", chunk}, {"number", texts.number_of(chunk)}, {"seconds", seconds}, {"text", texts.of(chunk)}});
  }
  return list;
}

// Seconds of the oldest chunk still running: chunks of the last heartbeat that have ended since do not count.
double oldest_now(const WorkerView& worker) {
  double oldest = 0;
  for (const auto& each : worker.chunks) oldest = std::max(oldest, each.seconds);
  return oldest;
}

json ranks_of(const RunView& view) {
  auto list = json::array();
  for (const auto& worker : view.workers) {
    list.push_back({{"worker", worker.worker},
                    {"host", worker.host},
                    {"rank", worker.rank},
                    {"pid", worker.pid},
                    {"threads", worker.threads},
                    {"lives", worker.lives},
                    {"gone", worker.gone},
                    {"leads", worker.leads},
                    {"guest", worker.guest},
                    {"done", worker.done},
                    {"running", worker.running},
                    {"oldest", oldest_now(worker)},
                    {"heartbeat_age", worker.heartbeat_age < 0 ? json(nullptr) : json(worker.heartbeat_age)}});
  }
  return list;
}

json failures_of(const std::vector<FailedChunk>& failures, ChunkTexts& texts) {
  auto list = json::array();
  for (std::size_t i = 0; i < std::min(failures.size(), most_failed_json); ++i) {
    const auto& failed = failures[i];
    list.push_back({{"chunk", failed.chunk},
                    {"number", texts.number_of(failed.chunk)},
                    {"host", failed.host},
                    {"attempts", failed.attempts},
                    {"error", failed.error},
                    {"text", texts.of(failed.chunk)}});
  }
  return list;
}

std::string table_of_ranks(const RunView& view) {
  if (view.workers.empty()) return "";
  std::vector<std::vector<std::string>> rows;
  for (const auto& worker : view.workers) {
    const double oldest = oldest_now(worker);
    rows.push_back({std::to_string(worker.rank) + (worker.leads ? "*" : ""), printable(worker.host) + (worker.guest ? " (guest)" : ""),
                    std::to_string(worker.pid), std::to_string(worker.threads), grouped(worker.done),
                    worker.lives ? grouped(worker.running) : worker.gone ? "lost" : "silent", oldest > 0 && worker.lives ? duration(oldest) : "",
                    worker.heartbeat_age < 0 ? "" : duration(worker.heartbeat_age) + " ago"});
  }
  return table({{.title = "RANK", .right = true},
                {.title = "HOST", .least = 8},
                {.title = "PID", .right = true, .drop = 3},
                {.title = "THREADS", .right = true, .drop = 4},
                {.title = "DONE", .right = true},
                {.title = "RUNNING", .right = true},
                {.title = "OLDEST", .right = true, .drop = 1},
                {.title = "HEARTBEAT", .right = true, .drop = 2}},
               std::move(rows), stdout_columns());
}

std::string per_second(double rate, const std::string& item) {
  return rate < 0.1 ? fmt::format("{:.1f} {}s an hour", rate * 3600, item)
         : rate < 10 ? fmt::format("{:.1f} {}s a second", rate, item)
                     : fmt::format("{} {}s a second", grouped(static_cast<std::uint64_t>(rate)), item);
}

std::string head(const RunView& view, const std::string& what, ChunkTexts& texts) {
  const auto& run = view.run;
  std::string text = fmt::format("run      {}\n{}\nstate    {}", run.field("run"), fitted("job      " + printable(what)), view.state);
  if (view.state == "running") text += ", " + counted(view.living(), "rank");
  if (view.state == "interrupted") text += ": nobody computes it\nnext     the same command continues";
  text += fmt::format("\nbegun    {} ago\n", duration(std::max(0.0, view.now - run.number("created"))));
  if (view.elapsed() >= 0) {
    text += fmt::format("elapsed  {}\n", duration(view.elapsed()));
  }
  text += fmt::format("{:<9}{} of {} done", texts.item() + "s", grouped(run.done), grouped(run.chunks));
  if (run.failed > 0) text += fmt::format(", {} failed", grouped(run.failed));
  if (view.rate() > 0) text += "\nrate     " + per_second(view.rate(), texts.item());
  text += fmt::format("\ncomputed {} in all, {} again\nsteals   {}\nlost     {}\n", grouped(run.computed), grouped(run.again),
                      grouped(run.steals), counted(run.reaped, "rank"));
  if (const auto error = run.field("error"); !error.empty()) text += "error    " + printable(texts.in_words(error)) + "\n";
  return text;
}

std::string chunk_lines(const json& at_work, const json& slowest, const std::vector<FailedChunk>& failures,
                        ChunkTexts& texts) {
  std::string text;
  std::size_t shown = 0;
  for (const auto& each : at_work) {
    if (++shown > most_at_work) {
      text += fmt::format("at work  … and {} more\n", grouped(at_work.size() - most_at_work));
      break;
    }
    const auto what = each["what"].get<std::string>();
    text += fitted(fmt::format("at work  {} on {}{}{}, for {}{}", texts.name(each["chunk"].get<std::uint64_t>()),
                               each["host"].get<std::string>(), what.empty() ? "" : ", ", printable(what),
                               duration(each["seconds"].get<double>()), behind_colon(each["text"]))) + "\n";
  }
  for (const auto& each : slowest) {
    text += fitted(fmt::format("slow     {}, {}{}", texts.name(each["chunk"].get<std::uint64_t>()),
                               duration(each["seconds"].get<double>()), behind_colon(each["text"]))) + "\n";
  }
  return text + failure_lines(failures, texts);
}

}  // namespace

std::string failure_lines(const std::vector<FailedChunk>& failures, ChunkTexts& texts) {
  std::string text;
  for (std::size_t i = 0; i < failures.size(); ++i) {
    if (i == most_failed) return text + fmt::format("failed   … and {} more\n", grouped(failures.size() - most_failed));
    const auto& failed = failures[i];
    text += fmt::format("failed   {} on {}, {}: {}{}\n", texts.name(failed.chunk), failed.host,
                        counted(static_cast<std::uint64_t>(failed.attempts), "attempt"), printable(failed.error),
                        behind_colon(texts.of(failed.chunk)));
  }
  return text;
}

int show_status(const redis::Address& address, const std::string& name, bool as_json, std::span<const JobEntry> jobs) {
  const auto run = Directory(address).find(name);
  RedisBlackboard board(address, run);
  const auto view = look_at(board, present_state(board, run), Whereabouts::here());
  const auto what = what_ran(view.run.field("job"), view.run.field("options"), jobs);
  ChunkTexts texts(board, view.run, run, jobs);
  const auto at_work = chunks_at_work(view, texts);
  const auto slowest = slowest_chunks(board, texts);
  const auto failures = failed_chunks(board.failures());
  if (as_json) {
    auto whole = run_json(view, what);
    whole["error"] = texts.in_words(view.run.field("error"));
    whole["workers"] = ranks_of(view);
    whole["at_work"] = at_work;
    whole["slowest"] = slowest;
    whole["failures"] = failures_of(failures, texts);
    print(whole.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
    return 0;
  }
  print(head(view, what, texts) + chunk_lines(at_work, slowest, failures, texts) + table_of_ranks(view));
  return 0;
}

}  // namespace stint
