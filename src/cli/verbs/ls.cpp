// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs/ls.hpp"

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
#include <cstdio>
#include <map>

namespace stint {
namespace {

constexpr std::size_t short_name = 20;  // characters of a run id where there is no room for all of it
constexpr std::size_t short_what = 16;

std::string percent(const RunState& state) {
  // Never 100 % while something is left.
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
  const int width = stdout_columns();
  const auto names = shortest_names(all);
  std::map<std::string, std::size_t> needed;
  for (std::size_t i = 0; i < all.size(); ++i) needed[all[i]] = text_width(names[i]);
  std::size_t least = short_name;
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < views.size(); ++i) {
    const auto run = views[i].run.field("run");
    if (needed[run] >= short_name) least = std::max(least, std::min(needed[run] + 1, text_width(run)));
    rows.push_back(row_of(views[i], run, whats[i]));
  }
  return table({{.title = "RUN", .least = least},
                {.title = "STATE"},
                {.title = "DONE", .right = true},
                {.title = "FAILED", .right = true, .drop = 2},
                {.title = "BEGUN", .right = true, .drop = 3},
                {.title = "TOOK", .right = true, .drop = 4},
                {.title = "WHAT", .least = short_what, .drop = 1}},
               std::move(rows), width);
}

}  // namespace

void add_list_options(CLI::App& app, ListOptions& options, const std::string& program) {
  app.add_flag("--json", options.json, "one JSON object a line");
  app.add_option("--limit", options.limit, "the newest N only")->type_name("N");
  app.add_option("--state", options.states, std::string("only those in these states: ") + states_seen)
      ->type_name("STATE,…")
      ->delimiter(',')
      ->check(CLI::Validator(
          [](const std::string& text) {
            const std::string all = std::string(", ") + states_seen + ",";
            return all.find(", " + text + ",") != all.npos ? std::string()
                                                           : "'" + text + "' is not a state; choose of: " + states_seen;
          },
          ""));
  app.footer("Run ids are shortened where the terminal is narrow: what stands before … names the run.\nExamples:\n  " +
             program + " ls --limit 10\n  " + program + " ls --state interrupted,failed");
}

std::vector<std::string> shortest_names(const std::vector<std::string>& runs) {
  auto sorted = runs;
  std::ranges::sort(sorted);
  const auto common = [](const std::string& a, const std::string& b) {
    return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  };
  std::vector<std::string> names;
  for (const auto& run : runs) {
    const auto at = std::ranges::lower_bound(sorted, run);
    std::size_t shared = 0;
    if (at != sorted.begin()) shared = std::max(shared, common(run, *(at - 1)));
    if (at + 1 != sorted.end()) shared = std::max(shared, common(run, *(at + 1)));
    names.push_back(run.substr(0, shared + 1));
  }
  return names;
}

int list_runs(const std::optional<redis::Address>& address, const ListOptions& options, std::span<const JobEntry> jobs) {
  const auto all = address ? Directory(*address).runs() : std::vector<std::string>();
  const auto here = Whereabouts::here();
  std::vector<RunView> views;
  std::vector<std::string> whats;
  std::string text;
  for (const auto& run : all) {
    if (options.limit > 0 && views.size() == options.limit) break;
    RedisBlackboard board(*address, run);
    auto state = board.state();
    if (!state) continue;  // its time is over
    auto view = look_at(board, std::move(*state), here);
    if (!options.states.empty() && std::ranges::find(options.states, view.state) == options.states.end()) continue;
    whats.push_back(what_ran(view.run.field("job"), view.run.field("options"), jobs));
    if (options.json) text += run_json(view, whats.back()).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    views.push_back(std::move(view));
  }
  if (views.empty()) {
    std::fprintf(stderr, "stint: %s\n", all.empty() || options.states.empty() ? "there is no run yet; stint run JOB starts one"
                                                                              : "no run is in such a state");
    return 0;
  }
  print(options.json ? text : table_of(views, whats, all));
  return 0;
}

}  // namespace stint
