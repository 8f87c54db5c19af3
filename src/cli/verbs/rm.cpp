// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs/rm.hpp"

#include <stint/options.hpp>

#include "base/error.hpp"
#include "base/program.hpp"
#include "blackboard/directory.hpp"
#include "blackboard/redis_blackboard.hpp"
#include "cli/display.hpp"
#include "cli/embedded.hpp"
#include "cli/home.hpp"
#include "cli/run_flags.hpp"
#include "cli/run_view.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

namespace stint {
namespace {

constexpr std::size_t most_named = 10;

struct Candidate {
  std::string run;
  RunView view;
  std::map<std::string, std::string> beats;  // of its workers, read before the workers
};

std::optional<Candidate> candidate(const redis::Address& address, const std::string& run, const Whereabouts& here) {
  RedisBlackboard board(address, run);
  Candidate found{run, {}, board.beats()};
  auto state = board.state();
  if (!state) return std::nullopt;
  found.view = look_at(board, std::move(*state), here);
  return found;
}

bool chosen(const RemoveOptions& options, const RunView& view) {
  if (options.done && view.state != "done") return false;
  return options.older < 0 || view.now - view.last_sign() > options.older;
}

// The gone workers with their last heartbeats: the board removes the run only if it has no others.
std::map<std::string, std::string> the_gone(const Candidate& found) {
  std::map<std::string, std::string> gone;
  for (const auto& worker : found.view.workers) {
    const auto beat = found.beats.find(worker.worker);
    if (worker.gone && beat != found.beats.end()) gone.insert(*beat);
  }
  return gone;
}

std::string named(const std::vector<std::string>& runs) {
  std::string text = counted(runs.size(), "run") + ": ";
  if (runs.size() == 1) text = "run ";
  for (std::size_t i = 0; i < std::min(runs.size(), most_named); ++i) text += (i > 0 ? ", " : "") + runs[i];
  return runs.size() > most_named ? text + " and " + grouped(runs.size() - most_named) + " more" : text;
}

bool busy(const RunView& view) { return view.state == "running" || view.silent() > 0; }

void refuse_busy(const Candidate& found) {
  const auto& view = found.view;
  std::string why = view.state == "running"
                        ? " is being computed" + (view.living() > 0 ? " by " + counted(view.living(), "rank") : "")
                        : " may be gone on with: " + counted(view.silent(), "silent rank") +
                              (view.silent() == 1 ? " is" : " are") + " not known to be gone";
  throw Error(Exit::usage, "run " + found.run + why + "; end it with " + typed("cancel " + found.run) +
                               ", or give --force; nothing was removed");
}

// With `forced`, a record that cannot be read does not prevent the removal. Without, its damage is an error.
std::optional<Candidate> candidate_to_force(const redis::Address& address, const std::string& run, const Whereabouts& here, bool forced) {
  try {
    return candidate(address, run, here);
  } catch (const Error& error) {
    if (error.exit() != Exit::damaged) throw;
    if (forced) return std::nullopt;
    throw Error(error.exit(), std::string(error.what()) + ", and " + typed("rm --force " + run) + " removes it");
  }
}

// The runs named by the user.
std::vector<Candidate> by_name(const redis::Address& address, const RemoveOptions& options, const Whereabouts& here) {
  Directory directory(address);
  std::vector<Candidate> list;
  for (const auto& name : options.runs) {
    const auto run = directory.find(name);
    if (std::ranges::find(list, run, &Candidate::run) != list.end()) continue;
    auto found = candidate_to_force(address, run, here, options.forced);
    list.push_back(found ? std::move(*found) : Candidate{run, {}, {}});  // only in the list: removed from it
    if (busy(list.back().view) && !options.forced) refuse_busy(list.back());
  }
  return list;
}

// The runs chosen by --done and --older; `kept`: those of them that ranks compute, which stay.
std::vector<Candidate> by_choice(const redis::Address& address, const RemoveOptions& options, const Whereabouts& here,
                                 std::vector<std::string>& kept) {
  std::vector<Candidate> list;
  for (const auto& run : Directory(address).runs()) {
    std::optional<Candidate> found;
    try {
      found = candidate_to_force(address, run, here, false);
    } catch (const Error& error) {
      if (error.exit() != Exit::damaged) throw;
      std::fprintf(stderr, "stint: %s\n", error.what());  // this run stays, the others are removed
    }
    if (!found || !chosen(options, found->view)) continue;
    if (busy(found->view)) {
      kept.push_back(run);
    } else {
      list.push_back(std::move(*found));
    }
  }
  return list;
}

void refuse_odd(const RemoveOptions& options) {
  const bool choice = options.done || options.older >= 0;
  if (options.runs.empty() && !choice) {
    throw Error(Exit::usage, "nothing says which runs to remove: give RUN…, --done or --older 7d");
  }
  if (!options.runs.empty() && choice) {
    throw Error(Exit::usage, "give either the runs to remove, or --done and --older, which choose them; nothing was removed");
  }
  if (choice && options.forced) {
    throw Error(Exit::usage, "--force is for runs that are named; nothing was removed");
  }
}

}  // namespace

void add_remove_options(CLI::App& app, RemoveOptions& options, const std::string& program) {
  app.add_option("RUN", options.runs, "run ids, beginnings of one, or 'last'");
  app.add_flag("--done", options.done, "all runs that are done");
  app.add_option(
         "--older",
         [&options](const std::vector<std::string>& texts) {
           try {
             options.older = parse_seconds(texts.at(0));
           } catch (const std::invalid_argument& error) {
             throw CLI::ValidationError("--older", error.what());
           }
           return true;
         },
         "all runs to which nothing has happened for so long", false)
      ->type_name("TIME")
      ->type_size(1);
  app.add_flag("--dry-run", options.dry_run, "print their ids, and remove nothing");
  app.add_flag("--force", options.forced, "also while ranks compute it");
  app.footer("With both --done and --older, a run must be both. A run that is being computed stays, unless it is named and "
             "--force is given.\nExamples:\n  " +
             program + " rm wordcount-3fa9c1\n  " + program + " rm --done --older 7d");
}

int remove_runs(const std::optional<redis::Address>& board, const RemoveOptions& options) {
  refuse_odd(options);
  if (!board && options.runs.empty()) {
    std::fputs("stint: there is no run yet, and none was removed\n", stderr);
    return 0;
  }
  const auto address = board ? *board : existing_blackboard();
  const auto here = Whereabouts::here();
  std::vector<std::string> removed, kept;
  const auto list = options.runs.empty() ? by_choice(address, options, here, kept) : by_name(address, options, here);
  Directory directory(address);
  std::string ids;
  for (const auto& found : list) {
    ids += found.run + "\n";
    const auto files = store_folder(found.run);  // kept with it
    if (!options.dry_run && !directory.remove(found.run, options.forced, the_gone(found))) {
      kept.push_back(found.run);  // a worker joined meanwhile
      continue;
    }
    removed.push_back(found.run);
    std::error_code ignored;
    if (!options.dry_run) std::filesystem::remove_all(files, ignored);
  }
  if (options.dry_run) print(ids);
  std::string line = removed.empty() ? "no run was removed" : (options.dry_run ? "would remove " : "removed ") + named(removed);
  if (!kept.empty()) {
    const bool one = kept.size() == 1;
    line += "; " + named(kept) + (one ? " is being computed, and stays" : " are being computed, and stay");
  }
  std::fprintf(stderr, "stint: %s\n", line.c_str());
  return !kept.empty() && !options.runs.empty() ? static_cast<int>(Exit::usage) : 0;
}

}  // namespace stint
