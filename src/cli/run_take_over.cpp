// SPDX-License-Identifier: Apache-2.0
// A job with a source (a list of commands) whose text has changed: the job gets the results of the old text's run
// before it plans the new one. The old run is removed only once the new one exists, so that a crash loses nothing.
#include "cli/run_command.hpp"

#include "base/error.hpp"
#include "base/program.hpp"
#include "blackboard/directory.hpp"
#include "cli/home.hpp"
#include "cli/stored_result.hpp"
#include "engine/heartbeat.hpp"

#include <filesystem>

namespace stint {

// The run of an older text of the same source; empty: there is no such run.
std::string RunCommand::earlier_run(const RunIdentity& identity, const std::optional<RunState>& found) const {
  if (fresh_ || options_.dry_run || !job_->takes_over()) return "";
  if (found) {
    const auto theirs = found->field("identity");
    return theirs != identity.json && same_but_input(theirs, identity.json) ? run_ : "";
  }
  if (!options_.run_id.empty()) return "";
  return run_of_older_input(identity);
}

// The newest run of the same job, options and paths whose input has changed since; empty: there is none. The beginning
// of an id is a digest: only the identity on the blackboard proves that the content is the same.
std::string RunCommand::run_of_older_input(const RunIdentity& identity) const {
  for (const auto& other : Directory(board_).runs()) {
    if (!other.starts_with(identity.beginning) || other == identity.run) continue;
    try {
      const auto state = RedisBlackboard(board_, other).state();
      if (state && same_but_input(state->field("identity"), identity.json)) return other;
    } catch (const Error& error) {
      if (error.exit() != Exit::damaged) throw;  // a damaged run cannot be taken over
    }
  }
  return "";
}

void RunCommand::take_over(const std::string& earlier) {
  RedisBlackboard board(board_, earlier);
  const auto state = board.state();
  if (!state) return;
  if (state->state == "running") reap_known_gone(board, state->generation, Whereabouts::here());
  if (state->state == "running" && !board.workers().empty()) {
    throw Error(Exit::other_run, "the list has changed while run " + earlier +
                                     " is at work on the old one; wait for its end, or " + typed("cancel " + earlier));
  }
  adopt_stored_plan(*job_, board, *state, earlier);
  std::vector<Partial> partials;
  if (state->state == "done" || state->state == "partial") {
    if (auto result = stored_result(*job_, board, *state, earlier)) partials.push_back(std::move(result));
  } else {
    for (auto& [chunks, part] : stored_parts(*job_, board, *state, earlier)) partials.push_back(std::move(part));
  }
  display_->say(job_->take_over(std::move(partials), failed_chunks(board.failures())));
  if (earlier == run_) return;
  // Its files are needed under the new name, and also under the old one until that run is removed.
  std::error_code ignored;
  std::filesystem::create_directories(store_folder(run_), ignored);
  for (const auto& entry : std::filesystem::directory_iterator(store_folder(earlier), ignored)) {
    std::filesystem::create_hard_link(entry.path(), store_folder(run_) / entry.path().filename(), ignored);
    if (ignored) std::filesystem::copy_file(entry.path(), store_folder(run_) / entry.path().filename(), ignored);
  }
}

// Removes the old run, unless a world computes it again meanwhile.
void RunCommand::let_go_of(const std::string& earlier) {
  if (earlier == run_) return;
  if (!Directory(board_).remove(earlier, false)) {
    display_->say("run " + earlier + " of the older list stays: workers are at work on it");
    return;
  }
  std::error_code ignored;
  std::filesystem::remove_all(store_folder(earlier), ignored);
}

}  // namespace stint
