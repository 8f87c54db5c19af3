// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs/ls.hpp"

#include "base/error.hpp"
#include "base/program.hpp"
#include "blackboard/directory.hpp"
#include "blackboard/redis_blackboard.hpp"
#include "cli/display.hpp"
#include "cli/run_view.hpp"
#include "cli/terminal.hpp"
#include "cli/text_layout.hpp"
#include "cli/verbs.hpp"
#include "cli/what_ran.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <sstream>

namespace stint {
namespace {

constexpr std::size_t short_width = 20;  // characters of a run id if there is no room for all of it
constexpr std::size_t short_what = 16;

std::string percent(const RunState& state) {
  // Never 100 % while a chunk is left.
  return fmt::format("{}%", state.chunks == 0 ? 100 : state.done * 100 / state.chunks);
}

std::string ago(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::max(0.0, seconds));
  const std::string text = whole < 100      ? fmt::format("{} s", whole)
                           : whole < 6000   ? fmt::format("{} min", whole / 60)
                           : whole < 172800 ? fmt::format("{} h", whole / 3600)
                                            : fmt::format("{} d", whole / 86400);
  return text + " ago";
}

std::vector<std::string> row_of(const RunView& view, const std::string& run, const std::string& what) {
  const double elapsed = view.elapsed();
  return {run,
          view.state,
          percent(view.run),
          std::to_string(view.run.failed),
          ago(view.now - view.run.number("created")),
          elapsed < 0 ? "" : duration(elapsed),
          printable(what)};
}

std::string table_of(const std::vector<RunView>& views, const std::vector<std::string>& whats,
                     const std::vector<std::string>& all) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < views.size(); ++i) rows.push_back(row_of(views[i], views[i].run.field("run"), whats[i]));
  const auto short_id = [&](const std::string& run, std::size_t width) { return short_name(run, width, all); };
  return table({{.title = "RUN", .least = short_width, .shorten = short_id},
                {.title = "STATE"},
                {.title = "DONE", .right = true},
                {.title = "FAILED", .right = true, .drop = 2},
                {.title = "BEGUN", .right = true, .drop = 3},
                {.title = "TOOK", .right = true, .drop = 4},
                {.title = "WHAT", .least = short_what, .drop = 1}},
               std::move(rows), stdout_columns());
}

}  // namespace

void add_list_options(CLI::App& app, ListOptions& options, const std::string& program) {
  app.add_flag("--json", options.json, "one JSON object a line");
  app.add_option("--limit", options.limit, "the newest N only")->type_name("N")->check(CLI::Range(1, 1'000'000'000));
  const auto set_states = [&options](const std::vector<std::string>& texts) {
    options.states.clear();
    std::istringstream list(texts.at(0));
    for (std::string state; std::getline(list, state, ',');) {
      if ((std::string(", ") + states_seen + ",").find(", " + state + ",") == std::string::npos) {
        throw CLI::ValidationError("--state", "'" + state + "' is not a state; choose of: " + states_seen);
      }
      options.states.push_back(state);
    }
    return true;
  };
  app.add_option("--state", set_states, std::string("only those in these states: ") + states_seen, false)
      ->type_name("STATE,…")
      ->type_size(1);
  app.footer("Run ids are shortened where the terminal is narrow: such a name with … means the run as well.\nExamples:\n  " +
             program + " ls --limit 10\n  " + program + " ls --state interrupted,failed");
}

std::string short_name(const std::string& run, std::size_t width, const std::vector<std::string>& runs) {
  if (run.size() <= width || width < 3) return run;
  const auto names_it = [&](const std::string& name) {
    return std::ranges::count_if(runs, [pattern = name_pattern(name)](const auto& other) { return pattern.fits(other); }) == 1;
  };
  const auto tail = (width - 1) / 2;
  for (const auto& name : {run.substr(0, width - 1) + "…", run.substr(0, width - 1 - tail) + "…" + run.substr(run.size() - tail)}) {
    if (names_it(name)) return name;
  }
  return run;
}

// The view of the run; none: the run has expired, or its record is damaged, which is printed, and `whole` becomes false.
static std::optional<RunView> view_of(const redis::Address& address, const std::string& run, const Whereabouts& here, bool& whole) {
  try {
    RedisBlackboard board(address, run);
    auto state = board.state();
    if (!state) return std::nullopt;
    return look_at(board, std::move(*state), here);
  } catch (const Error& error) {
    if (error.exit() != Exit::damaged) throw;
    std::fprintf(stderr, "stint: %s\n", error.what());
    whole = false;
    return std::nullopt;
  }
}

int list_runs(const std::optional<redis::Address>& address, const ListOptions& options, std::span<const JobEntry> jobs) {
  const auto all = address ? Directory(*address).runs() : std::vector<std::string>();
  const auto here = Whereabouts::here();
  std::vector<RunView> views;
  std::vector<std::string> whats;
  std::string text;
  bool whole = true;
  for (const auto& run : all) {
    if (options.limit > 0 && views.size() == options.limit) break;
    auto view = view_of(*address, run, here, whole);
    if (!view) continue;
    if (!options.states.empty() && std::ranges::find(options.states, view->state) == options.states.end()) continue;
    whats.push_back(what_ran(view->run.field("job"), view->run.field("options"), jobs));
    if (options.json) text += run_json(*view, whats.back()).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    views.push_back(std::move(*view));
  }
  if (views.empty() && whole) {
    std::fprintf(stderr, "stint: %s\n", all.empty() || options.states.empty() ? ("there is no run yet; " + typed("run JOB") + " starts one").c_str()
                                                                              : "no run is in such a state");
    return 0;
  }
  if (!views.empty()) print(options.json ? text : table_of(views, whats, all));
  return whole ? 0 : static_cast<int>(Exit::damaged);
}

}  // namespace stint
