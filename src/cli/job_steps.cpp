// SPDX-License-Identifier: Apache-2.0
// Steps of the job outside chunks: a job that kills its process there would kill the next one. So the
// process reports the step in which it dies, and the cause, and the launcher does not start the ranks again.
#include "cli/run_command.hpp"

#include "cli/check.hpp"
#include "engine/crash_report.hpp"

#include <fmt/format.h>

#include <optional>
#include <system_error>

namespace stint {

// Before this rank has joined the run. The launcher returns the code unless other ranks go on and end the run.
void RunCommand::in_job_step(const char* name, const std::function<void()>& call) {
  std::optional<CrashReport> report;
  const auto said = [this](const Death& death) -> std::optional<int> {
    const std::string where = death.step != nullptr ? std::string(death.step) + " of the job " : "the job ";
    display_->error((ranks_ > 1 ? "rank " + std::to_string(rank_) + ": " : "") + where + death.how() + "; mend the job");
    const int code = error_code(static_cast<int>(Exit::defect));
    if (rank_ == 0 && report_exit(code, false)) return 0;
    return death.signal == 0 ? std::optional(code) : std::nullopt;
  };
  try {
    report.emplace(said);
  } catch (const std::system_error&) {
    // The system cannot start a thread: a crash is then not reported.
  }
  const JobStep step(name);
  call();
}

void RunCommand::check(const RunFacts& facts) {
  if (job_->side_effects()) {
    throw Error(Exit::usage, "--check computes chunks again and again, but job " + std::string(job_->name()) +
                                 " acts on the world outside; leave --check out");
  }
  std::uint64_t same = 0;
  in_job_step("compute", [&] { same = check_chunks(*job_, facts, options_.check); });
  display_->say(fmt::format("{} checked: the same bytes with every number of threads, and after a way through the blackboard",
                            counted(same, "chunk")));
}

// The chunks of a finished run were computed earlier, maybe on other machines: here they are compared again.
void RunCommand::check_finished() {
  auto run_facts = facts();
  in_job_step("plan", [&] { job_->plan(Context(run_facts)); });
  in_job_step("prepare", [&] { job_->prepare(Context(run_facts)); });
  check(run_facts);
}

// The board has ended the run, since this was the third death in such a step.
int RunCommand::ended_by_death(const RunState& state) {
  const int code = error_code(static_cast<int>(state.number("exit", static_cast<int>(Exit::defect))));
  if (launched_.claim_printing()) display_->error(state.field("error"));
  return report_exit(code, false) ? 0 : code;
}

}  // namespace stint
