// SPDX-License-Identifier: Apache-2.0
#include "cli/run_view.hpp"

#include "base/clock.hpp"
#include "base/json_field.hpp"
#include "cli/summary.hpp"
#include "engine/policy.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

namespace stint {
namespace {

using nlohmann::json;

constexpr double seconds_until_gone = 60;

// Removes chunks that their worker no longer holds, or that another worker has done meanwhile.
void leave_out_ended(RedisBlackboard& board, std::vector<WorkerView>& workers) {
  std::vector<std::uint64_t> chunks;
  for (const auto& worker : workers) {
    for (const auto& each : worker.chunks) chunks.push_back(each.chunk);
  }
  if (chunks.empty()) return;
  const auto claims = board.claims();
  const auto done = board.done(chunks);
  std::size_t at = 0;
  for (auto& worker : workers) {
    const auto held = claims.find(worker.worker);
    std::erase_if(worker.chunks, [&](const ChunkAtWork& each) {
      const bool is_done = done[at++];
      return is_done || held == claims.end() || std::ranges::none_of(held->second, [&](const Range& range) {
               return range.first <= each.chunk && each.chunk < range.last;
             });
    });
  }
}

}  // namespace

const char* const states_seen = "running, interrupted, halted, cancelled, failed, partial, done";

std::size_t RunView::living() const {
  return static_cast<std::size_t>(std::ranges::count_if(workers, &WorkerView::lives));
}

std::size_t RunView::silent() const {
  return static_cast<std::size_t>(std::ranges::count_if(workers, [](const auto& each) { return !each.lives && !each.gone; }));
}

double RunView::elapsed() const {
  if (state == "done" || state == "partial") return run.number("seconds", -1);
  const double begun = run.number("call_begun", -1);
  if (begun < 0) return -1;
  double end = state == "running" ? now : heard;
  if (state != "running") {
    for (const auto* field : {"last_end", "left", "finished"}) end = std::max(end, run.number(field, -1));
  }
  return end < begun ? -1 : end - begun;
}

double RunView::oldest() const {
  double oldest = -1;
  for (const auto& worker : workers) {
    if (!worker.lives) continue;
    for (const auto& each : worker.chunks) oldest = std::max(oldest, each.seconds);
  }
  return oldest;
}

double RunView::last_sign() const {
  double last = heard;
  for (const auto* field : {"created", "call_begun", "last_end", "left", "finished"}) last = std::max(last, run.number(field));
  return last;
}

double RunView::rate() const {
  const double seconds = elapsed();
  const double before = run.number("call_done", -1);
  if (seconds <= 0 || before < 0 || static_cast<double>(run.done) <= before) return -1;
  return (static_cast<double>(run.done) - before) / seconds;
}

std::string state_seen(const RunState& run, bool anybody) {
  if (run.state == "running" && !anybody) return run.fields.contains("halting") ? "halted" : "interrupted";
  if (run.state == "cancelled" && run.fields.contains("exit")) return "halted";
  return run.state;
}

WorkerView worker_view(const std::string& worker, const std::string& who, const std::string& told, double now,
                       std::uint64_t workers, const Whereabouts& here) {
  WorkerView view;
  view.worker = worker;
  view.host = worker.substr(0, worker.rfind('/'));
  view.heartbeat_age = told.empty() ? -1 : std::max(0.0, now - std::strtod(told.c_str(), nullptr));
  const auto known = json::parse(who, nullptr, false);
  view.rank = json_field(known, "rank", 0);
  view.pid = json_field(known, "pid", std::int64_t{0});
  view.threads = json_field(known, "threads", 0);
  view.guest = json_field(known, "guest", false);
  const double lease = json_field(known, "lease", Whereabouts().lease);
  const double patience = policy::lease_seconds(lease, workers);
  view.lives = !known_gone(who, here) && view.heartbeat_age < patience;
  // The process on another host cannot be checked; the board's clock may jump, but hardly by a minute at this moment.
  view.gone = known_gone(who, here) ||
              (!known_alive(who, here) && view.heartbeat_age > std::max(patience, seconds_until_gone));
  const auto border = told.find(';');
  const auto report = json::parse(border == told.npos ? "" : told.substr(border + 1), nullptr, false);
  view.done = json_field(report, "done", std::uint64_t{0});
  view.running = json_field(report, "running", std::uint64_t{0});
  view.oldest = json_field(report, "oldest", 0.0);
  const auto chunks = report.find("chunks");
  if (chunks == report.end() || !chunks->is_array()) return view;
  for (const auto& each : *chunks) {
    if (!each.is_object()) continue;
    view.chunks.push_back({json_field(each, "chunk", std::uint64_t{0}),
                           json_field(each, "seconds", 0.0) + std::max(0.0, view.heartbeat_age),
                           json_field(each, "what", std::string())});
  }
  return view;
}

RunView look_at(RedisBlackboard& board, RunState state, const Whereabouts& here) {
  RunView view{std::move(state), "", unix_now()};
  std::map<std::string, std::string> told;
  if (view.run.state != "done" && view.run.state != "partial") told = board.at_work();
  for (const auto& [worker, text] : told) view.heard = std::max(view.heard, std::strtod(text.c_str(), nullptr));
  if (view.run.state == "running") {
    view.now = board.now();
    const auto workers = board.workers();
    const auto leader = board.leader();
    for (const auto& [worker, who] : workers) {
      const auto found = told.find(worker);
      view.workers.push_back(
          worker_view(worker, who, found == told.end() ? "" : found->second, view.now, workers.size(), here));
      view.workers.back().leads = worker == leader;
    }
    std::ranges::stable_sort(view.workers, {}, &WorkerView::rank);
    leave_out_ended(board, view.workers);
  }
  const bool about_to_join = view.workers.empty() && known_alive(view.run.field("owner"), here);
  view.state = state_seen(view.run, view.living() > 0 || about_to_join);
  return view;
}

nlohmann::ordered_json run_json(const RunView& view, const std::string& what) {
  auto out = nlohmann::ordered_json::parse(summary_json(view.run, 0));
  const auto known = [](double value) { return value < 0 ? json(nullptr) : json(value); };
  out["state"] = view.state;
  if (view.run.state == "running") out["ranks"] = view.living();
  int threads = 0;
  for (const auto& worker : view.workers) threads = std::max(threads, worker.lives ? worker.threads : 0);
  if (threads > 0) out["threads"] = threads;
  out["what"] = what;
  out["created"] = view.run.number("created");
  out["elapsed"] = known(view.elapsed());
  out["rate"] = known(view.rate());
  out["error"] = view.run.field("error");
  return out;
}

}  // namespace stint
