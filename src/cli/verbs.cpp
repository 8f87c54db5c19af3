// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.hpp"

#include "base/error.hpp"
#include "base/program.hpp"
#include "blackboard/directory.hpp"
#include "blackboard/redis_blackboard.hpp"
#include "cli/chunk_text.hpp"
#include "cli/display.hpp"
#include "cli/home.hpp"
#include "cli/identity.hpp"
#include "cli/job_options.hpp"
#include "cli/result_output.hpp"
#include "cli/run_view.hpp"
#include "cli/stored_result.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace stint {

void refuse_good_chunks(const std::string& run, const RunState& state,
                        const std::map<std::uint64_t, std::string>& failures, const std::vector<Range>& chunks) {
  if (state.state == "done") throw Error(Exit::usage, "run " + run + " is done and no chunk of it failed; nothing to rerun");
  for (const auto range : chunks) {
    const auto failed = failures.lower_bound(range.first);
    if (failed != failures.end() && failed->first < range.last) continue;
    const bool one = range.size() == 1;
    throw Error(Exit::usage, (one ? "chunk " + std::to_string(range.first) + " of run "
                                  : "no chunk from " + std::to_string(range.first) + " to " +
                                        std::to_string(range.last - 1) + " of run ") +
                                 run + (one ? " has not failed" : " has failed") + "; only failed chunks can be rerun");
  }
}

// For a run that has not ended, if its result options name one of its chunks: throws unless that chunk has ended. The job
// reports a chunk that does not exist.
static void refuse_unended_chunk(RedisBlackboard& board, const RunState& state, const std::string& run, const Options& options,
                                 std::span<const JobEntry> jobs, const std::string& unended) {
  const auto option = std::ranges::find(options.entries(), "chunk", &Options::Entry::name);
  if (option == options.entries().end()) return;
  const auto number = parse_count(option->get().at(0));
  ChunkTexts texts(board, state, run, jobs);
  const auto chunk = texts.chunk_of(number);
  if (!chunk || board.done({*chunk}).at(0) || board.failures().contains(*chunk)) return;
  throw Error(Exit::interrupted, fmt::format("{} of {}; {} says where it is", texts.name(*chunk), unended, typed(fmt::format("explain {} {}", run, number))));
}

int show_result(const redis::Address& address, const std::string& name, const std::string& output_file, bool partial,
                std::span<const JobEntry> jobs, const std::vector<std::string>& options) {
  const auto run = Directory(address).find(name);
  RedisBlackboard board(address, run);
  const auto state = present_state(board, run);
  const auto job_name = state.field("job");
  const JobEntry* entry = nullptr;
  for (const auto& known : jobs) {
    if (known.name == job_name) entry = &known;
  }
  if (entry == nullptr) {
    throw Error(Exit::usage, "run " + run + " is of job '" + job_name +
                                 "', which this program does not have; use the program that computed it");
  }
  const bool ended = state.state == "done" || state.state == "partial";
  const auto job = entry->make();
  // Part of a result is not the result.
  const std::string unended = "run " + run + " has not ended: the run is " + look_at(board, state, Whereabouts::here()).state +
                              ", " + grouped(state.done) + " of " + counted(state.chunks, job->item()) + " are done";
  // If the user asked for one chunk, it is enough that this chunk has ended.
  const bool one_chunk = job->follows() && std::ranges::any_of(options, [](const std::string& word) {
    return word == "--chunk" || word.starts_with("--chunk=");
  });
  if (!ended && !one_chunk && (!partial || !job->follows())) {
    throw Error(Exit::interrupted, unended + (job->follows() ? "; --partial shows what they gave" : ""));
  }
  Options job_options;
  job->options(job_options);
  apply_options(job_options, state.field("options"), false);
  apply_words(job_options, options, {OptionKind::result},
              typed("result RUN") + " takes the options of " + job_name + " that change only what is shown");
  if (one_chunk && !ended) refuse_unended_chunk(board, state, run, job_options, jobs, unended);
  ResultOutput output(output_file, outputs_meet());
  RunFacts facts;
  facts.run = run;
  facts.store_dir = store_folder(run);
  if (!ended) {
    show_stored_parts(*job, board, state, facts, output);
    if (one_chunk) return 0;
    Terminal::standard().line(unended + "; this is part of its result");
    return static_cast<int>(Exit::interrupted);
  }
  show_stored_result(*job, board, state, facts, output);
  if (state.state == "partial") {
    Terminal::standard().line("the result is partial: " + grouped(state.failed) + " of " + grouped(state.chunks) + " chunks failed");
    return static_cast<int>(Exit::partial);
  }
  return 0;
}

int cancel_run(const redis::Address& address, const std::string& name) {
  const auto run = Directory(address).find(name);
  RedisBlackboard board(address, run);
  const auto view = look_at(board, present_state(board, run), Whereabouts::here());
  if (board.cancel() != Refusal::none) {
    throw Error(Exit::usage, "run " + run + " is " + view.state + ", so there is nothing to cancel; " + typed("rm " + run) + " removes it");
  }
  std::fprintf(stderr, "stint: cancelled run %s%s; the same command goes on with what is done\n", run.c_str(),
               view.state == "running" ? "" : ", which nobody computed any more");
  return 0;
}

int mark_rerun(const redis::Address& address, const std::string& name, const std::vector<Range>& numbers,
               std::span<const JobEntry> jobs) {
  const auto run = Directory(address).find(name);
  RedisBlackboard board(address, run);
  const auto state = present_state(board, run);
  const auto failures = board.failures();
  refuse_good_chunks(run, state, failures, {});
  ChunkTexts texts(board, state, run, jobs);
  const auto chunks = texts.chunks_of(numbers);
  try {
    refuse_good_chunks(run, state, failures, chunks);
  } catch (const Error& error) {
    throw Error(error.exit(), texts.in_words(error.what()));
  }
  const auto revived = board.rerun({.chunks = chunks});
  std::fprintf(stderr,
               "stint: %s of run %s get%s another life; the same command, or %s, computes %s\n",
               counted(revived.chunks, texts.item().c_str()).c_str(), run.c_str(), revived.chunks == 1 ? "s" : "", typed("rerun " + run + " -n N").c_str(),
               revived.chunks == 1 ? "it" : "them");
  return 0;
}

}  // namespace stint
