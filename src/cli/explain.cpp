// SPDX-License-Identifier: Apache-2.0
#include "cli/explain.hpp"

#include <stint/options.hpp>

#include "base/error.hpp"
#include "base/json_field.hpp"
#include "base/program.hpp"
#include "blackboard/directory.hpp"
#include "blackboard/redis_blackboard.hpp"
#include "cli/chunk_text.hpp"
#include "cli/display.hpp"
#include "cli/home.hpp"
#include "cli/run_view.hpp"
#include "cli/status.hpp"
#include "cli/stored_result.hpp"
#include "cli/terminal.hpp"
#include "cli/text_layout.hpp"
#include "cli/verbs.hpp"
#include "cli/what_ran.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <ctime>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace stint {
namespace {

using Event = RedisBlackboard::Event;
constexpr std::size_t all_events = 100'000;  // the board keeps fewer
constexpr std::size_t shown_events = 12;

// Whether the text names the chunk: as "chunk 17", or within a range "16-20".
bool names(const std::string& text, std::uint64_t chunk) {
  if ((text + " ").find("chunk " + std::to_string(chunk) + " ") != std::string::npos) return true;
  for (std::size_t at = 0; at < text.size();) {
    char* end = nullptr;
    if (text[at] < '0' || text[at] > '9' || (at > 0 && std::isalnum(static_cast<unsigned char>(text[at - 1])) != 0)) {
      ++at;
      continue;
    }
    const auto first = std::strtoull(text.c_str() + at, &end, 10);
    if (*end == '-' && end[1] >= '0' && end[1] <= '9') {
      const auto last = std::strtoull(end + 1, &end, 10);
      if (first <= chunk && chunk < last) return true;
    }
    at = static_cast<std::size_t>(end - text.c_str());
  }
  return false;
}

// With the date, if that was long before `now`.
std::string clock_of(double seconds, double now) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm local{};
  ::localtime_r(&time, &local);
  char text[32];
  std::strftime(text, sizeof text, now - seconds < 12 * 3600 ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

using Story = std::map<std::string, std::string>;

std::string field_of(const Story& story, const char* name) {
  const auto found = story.find(name);
  return found == story.end() ? std::string() : found->second;
}

// The place of the chunk, in a sentence.
std::string place_of(const Story& story, const RunView& view) {
  const std::string state = field_of(story, "state");
  const auto worker = field_of(story, "worker");
  const auto holder = std::ranges::find(view.workers, worker, &WorkerView::worker);
  const bool held = view.state == "running" && (holder == view.workers.end() || holder->lives);
  if (state == "done") return "done" + (field_of(story, "node").empty() ? "" : ", in node " + field_of(story, "node"));
  if (state == "failed") return "failed";
  if (state == "claimed" && held) {
    const auto since = field_of(story, "since");
    return "in the hands of " + worker +
           (since.empty() ? "" : ", which was last given work " + duration(std::strtod(since.c_str(), nullptr)) + " ago");
  }
  if (state == "claimed") return "was in the hands of " + worker + " when that stopped; it is computed again";
  if (state == "delayed") {
    const double due = std::strtod(field_of(story, "due").c_str(), nullptr);
    return due > 0 ? "waits " + duration(due) + " before it is tried again" : "is about to be tried again";
  }
  if (state == "suspect") return "waits to be computed last: its rank died with it in hand";
  if (state == "pooled") return "waits in the pool for the next rank that is free";
  if (state == "queued") return "waits in the queue of " + worker;
  if (state == "slot") return "waits in a share of the plan that no rank has taken yet (slot " + field_of(story, "slot") + ")";
  return "the blackboard does not know where: a defect in Stint";
}

// What is wrong with the run, and what to do.
std::string advice_on(const RunView& view) {
  const auto run = view.run.field("run");
  std::size_t lost = view.workers.size() - view.living();
  if (view.state == "running") {
    return counted(view.living(), "rank") + (view.living() == 1 ? " computes it" : " compute it") +
           (lost == 0 ? "" : "; " + counted(lost, "more rank") + (lost == 1 ? " was" : " were") + " lost just now");
  }
  if (view.state == "interrupted") {
    const auto silent = view.silent();
    const std::string why = lost == 0 ? "all its ranks have left"
                            : silent > 0
                                ? counted(silent, "rank") + (silent == 1 ? " has" : " have") + " been silent for a lease"
                                : counted(lost, "rank") + (lost == 1 ? " was" : " were") + " lost";
    return why + " and nobody computes it now; the same command continues";
  }
  if (view.state == "done") return typed("result " + run) + " shows the result";
  if (view.state == "partial") {
    return typed("result " + run) + " shows the result without the failed chunks; " + typed("rerun " + run + " -n N") +
           " computes them again";
  }
  if (view.state == "failed") return "the same command tries again, with what is done; --fresh begins anew";
  if (view.state == "halted") {
    return "its --halt rule ended it; " + typed("result " + run + " --partial") +
           " shows what there is, and the same command goes on with what is left";
  }
  if (view.state == "cancelled") return "ended by its user; the same command goes on with what is done";
  return "";
}

// A text of several lines begins on the line after its name.
std::string row_text(const std::string& name, const std::string& text) {
  std::string rows;
  std::istringstream lines(text);
  const bool one = text.find('\n') >= text.size() - 1;
  for (std::string line; std::getline(lines, line);) rows += "         " + printable(line) + "\n";
  if (rows.empty()) return fmt::format("{:<8} (nothing)\n", name);
  return one ? fmt::format("{:<8} {}", name, rows.substr(9)) : name + "\n" + rows;
}

std::string story_text(const Story& story, std::uint64_t chunk, const RunView& view, ChunkTexts& texts, const TextRows& rows) {
  std::string text = fmt::format("{} of run {}: {}\n", texts.name(chunk), view.run.field("run"), place_of(story, view));
  const auto state = field_of(story, "state");
  if (view.state != "running" && state != "done" && state != "failed") {
    text += fmt::format("the run is {}: {}\n", view.state, advice_on(view));
  }
  if (const auto what = texts.of(chunk); !what.empty() && rows.empty()) text += "what     " + printable(what) + "\n";
  if (story.contains("attempts")) {
    text += fmt::format("attempts {} failed, the last on {}\n", story.at("attempts"), story.at("last"));
  }
  if (story.contains("deaths")) text += fmt::format("deaths   of ranks that had it in hand: {}\n", story.at("deaths"));
  const auto error = nlohmann::json::parse(field_of(story, "error"), nullptr, false);
  for (const auto& [name, row] : rows) text += row_text(name, row);
  if (rows.empty() && error.is_object()) {
    text += fmt::format("error    {} (host {})\n", printable(json_field(error, "error", std::string())),
                        json_field(error, "host", std::string()));
  }
  return text;
}

std::string run_text(const RunView& view, const std::string& what, const std::vector<FailedChunk>& failures,
                     ChunkTexts& texts) {
  const auto& run = view.run;
  std::string text = fmt::format("run {}: {}, {} of {} done, {} failed\n", run.field("run"), view.state,
                                 grouped(run.done), counted(run.chunks, texts.item()), grouped(run.failed));
  text += fitted("job      " + printable(what)) + "\n";
  if (const auto error = run.field("error"); !error.empty()) text += "why      " + printable(texts.in_words(error)) + "\n";
  text += (view.state == "running" ? "now      " : "next     ") + advice_on(view) + "\n";
  return text + failure_lines(failures, texts);
}

std::optional<std::uint64_t> chunk_in(const std::string& text) {
  if (text.empty()) return std::nullopt;
  try {
    return parse_count(text);
  } catch (const std::invalid_argument&) {
    throw Error(Exit::usage, "'" + printable(text) + "' is not the number of a chunk: give one such as 17, or none for the whole run");
  }
}

nlohmann::ordered_json events_json(const std::vector<Event>& events) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& event : events) list.push_back({{"time", event.time}, {"kind", event.kind}, {"text", event.text}});
  return list;
}

// The job's text about a chunk that has ended, and the command that shows its output.
TextRows ended_rows(ChunkTexts& texts, std::uint64_t chunk, const Story& story, const std::vector<FailedChunk>& failures,
                    const std::string& run) {
  TextRows rows;
  if (field_of(story, "state") == "done") rows = texts.done(chunk, store_folder(run));
  const auto failed = std::ranges::find(failures, chunk, &FailedChunk::chunk);
  if (failed != failures.end()) rows = texts.failure(*failed, store_folder(run)).value_or(FailureText()).rows;
  const auto option = rows.empty() ? "" : texts.result_option(chunk);
  if (!option.empty()) rows.emplace_back("output", typed("result " + run + " " + option) + " (with --stderr its standard error)");
  return rows;
}

}  // namespace

int explain(const redis::Address& address, const std::string& name, const std::string& chunk_text, bool json,
            std::span<const JobEntry> jobs) {
  const auto number = chunk_in(chunk_text);
  const auto run = Directory(address).find(name);
  RedisBlackboard board(address, run);
  const auto view = look_at(board, present_state(board, run), Whereabouts::here());
  ChunkTexts texts(board, view.run, run, jobs);
  std::optional<std::uint64_t> chunk;
  if (number) {
    if (view.run.chunks == 0) throw Error(Exit::usage, "run " + run + " has no chunks");
    chunk = texts.chunk_of(*number);
    if (!chunk) {
      const int first = texts.item() == "chunk" ? 0 : 1;
      throw Error(Exit::usage, fmt::format("run {} has no {} {}: its {}s are {} to {}", run, texts.item(), *number, texts.item(), first,
                                           view.run.chunks - 1 + static_cast<std::uint64_t>(first)));
    }
  }
  std::vector<Event> events;
  for (auto& event : board.events(all_events)) {
    if (chunk && !names(event.text, *chunk)) continue;
    event.text = texts.event(event.kind, event.text);
    events.push_back(std::move(event));
  }
  Story story;
  if (chunk && view.state == "done") {
    story["state"] = "done";
  } else if (chunk) {
    story = board.explain(*chunk).value_or(Story{{"state", "unknown"}});
  }
  const auto failures = failed_chunks(board.failures());
  const auto rows = chunk ? ended_rows(texts, *chunk, story, failures, run) : TextRows();
  const auto what = what_ran(view.run.field("job"), view.run.field("options"), jobs);
  if (json) {
    auto out = run_json(view, what);
    out["error"] = texts.in_words(view.run.field("error"));
    out["advice"] = advice_on(view);
    if (chunk) {
      out["chunk"] = *chunk;
      out["number"] = *number;
      out["where"] = story;
      out["text"] = texts.of(*chunk);
      const char* ended = field_of(story, "state") == "done" ? "success" : "failure";
      for (const auto& [row, value] : rows) out[ended][row] = value;
    }
    out["events"] = events_json(events);
    print(out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    return 0;
  }
  std::string text = chunk ? story_text(story, *chunk, view, texts, rows)
                           : run_text(view, what, failures, texts);
  const auto count = std::min(events.size(), chunk ? events.size() : shown_events);
  for (std::size_t i = count; i-- > 0;) {
    text += fmt::format("{}  {:<7} {}\n", clock_of(events[i].time, view.now), events[i].kind, printable(events[i].text));
  }
  print(text);
  return 0;
}

}  // namespace stint
