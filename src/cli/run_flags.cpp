// SPDX-License-Identifier: Apache-2.0
#include "cli/run_flags.hpp"

#include "cli/halt_option.hpp"
#include "cli/job_options.hpp"

#include <stint/options.hpp>

#include <fmt/format.h>

#include <stdexcept>
#include <vector>

namespace stint {
namespace {

CLI::Validator positive(const char* what) {
  return CLI::Validator(
      [what](const std::string& text) -> std::string {
        try {
          if (parse_number(text) > 0) return {};
        } catch (const std::invalid_argument&) {
        }
        return "'" + text + "' is no " + what + " above 0";
      },
      "");
}

// An option whose text `parse` turns into the field's value; `parse` throws std::invalid_argument with the reason.
template <class T, class Parse>
CLI::Option* parsed(CLI::App& app, const std::string& name, T& field, const char* type, const std::string& help,
                    Parse parse) {
  auto set = [name, &field, parse](const std::vector<std::string>& texts) {
    try {
      field = parse(texts.at(0));
    } catch (const std::invalid_argument& error) {
      throw CLI::ValidationError(name, error.what());
    }
    return true;
  };
  return app.add_option(name, set, help, false)->type_name(type)->type_size(1)->envname(variable_of(name));
}

// A time in the notation of parse_seconds, of at least `least` seconds.
CLI::Option* seconds(CLI::App& app, const std::string& name, double& field, const std::string& help, double least = 0) {
  return parsed(app, name, field, "TIME", help, [least](const std::string& text) {
    const double value = parse_seconds(text);
    if (value < least) throw std::invalid_argument("'" + text + "' is too short: at least " + fmt::format("{} s", least));
    return value;
  });
}

CLI::Option* bytes(CLI::App& app, const std::string& name, std::uint64_t& field, const std::string& help) {
  return parsed(app, name, field, "BYTES", help, parse_bytes);
}


// A number or a percentage of chunks.
const CLI::Validator share(
    [](const std::string& text) -> std::string {
      const auto digits = text.ends_with('%') ? text.substr(0, text.size() - 1) : text;
      if (!digits.empty() && digits.find_first_not_of("0123456789") == digits.npos && digits.size() < 18) return {};
      return "'" + text + "' is no number of chunks: give 10, or 5%";
    },
    "");

const CLI::Validator thread_count(
    [](const std::string& text) -> std::string {
      const bool digits = !text.empty() && text.size() < 5 && text.find_first_not_of("0123456789") == text.npos;
      if (digits && std::atoi(text.c_str()) >= 1 && std::atoi(text.c_str()) <= 4096) return {};
      return "'" + text + "' is no number from 1 to 4096; without --threads (-j) as many run at once as there are cores";
    },
    "");

}  // namespace

void add_seconds_option(CLI::App& app, const std::string& name, double& field, const std::string& help,
                        const std::string& initial) {
  seconds(app, name, field, help)->default_str(initial);
}

void add_interface_option(CLI::App& app, std::string& interface) {
  add(app, "--interface", interface,
      "interface on which your own blackboard listens for other hosts: a name, an address, auto, or none (default: auto "
      "for ranks on several hosts and when another host that shares the home asks)")
      ->type_name("NAME");
}

void add_new_run_options(CLI::App& app, RunOptions& options) {
  add(app, "--run-id", options.run_id, "name of the run (default: from job, options and input)")->type_name("ID");
  add(app, "--fresh", options.fresh, "drop what is there and begin anew");
  add(app, "--dry-run", options.dry_run, "print what would be computed, and stop");
  add(app, "--check", options.check, "first compute N chunks with several numbers of threads, and compare the bytes; also of a finished run")
      ->type_name("N");
}

void add_run_options(CLI::App& app, RunOptions& options) {
  add(app, "-n,--ranks", options.ranks, "start mpirun with N ranks; without it, this process computes alone")
      ->type_name("N")
      ->check(positive("number of ranks"));
  add(app, "--hostfile", options.hostfile, "hosts for -n, as mpirun takes them: 'name slots=N', one a line")->type_name("FILE");
  add(app, "--mpirun", options.mpirun, "more arguments for mpirun, in one text")->type_name(arguments_type);
  add(app, "--board", options.board, "blackboard to use: redis://host:port/db or unix:///path (default: one of your own)")
      ->type_name("URL");
  add(app, "--board-file", options.board_file, "file (mode 600) that holds its address, perhaps with a password")
      ->type_name("FILE");
  add_interface_option(app, options.interface);
  add(app, "--accept-program", options.accept_program, "go on with a run begun by another version of the program");
  add(app, "--threads", options.threads, "OpenMP threads of each rank (default: its share of the cores)")
      ->type_name("T")
      ->check(thread_count);
  seconds(app, "--lease", options.lease, "time that a rank may be silent before it is given up", 0.2)->default_str("10");
  seconds(app, "--commit-every", options.commit_every,
          "time whose results a crash may cost (with more than 1,250 ranks: up to ten times as long)")
      ->default_str("1");
  add(app, "--retries", options.retries, "further attempts at a chunk that failed (default: 2, for commands 0)")
      ->type_name("K");
  app.add_option(
         "--max-failed",
         [&options](const std::vector<std::string>& texts) {
           options.max_failed = texts.at(0);
           return true;
         },
         "failed chunks with which the run goes on; one more ends it (default: any number)", false)
      ->type_name("N|N%")
      ->type_size(1)
      ->check(share)
      ->envname("STINT_MAX_FAILED");
  parsed(app, "--halt", options.halt, "WHEN,WHAT=N",
         "end early: now or soon (what runs may end), when fail, success or done=N (or N%) chunks are there (default: never)",
         [](const std::string& text) {
           halt_rule(text, 100);
           return text;
         });
  seconds(app, "--chunk-timeout", options.chunk_timeout, "time after which a chunk that has not ended counts as failed");
  seconds(app, "--stall-timeout", options.stall_timeout,
          "time without any chunk ending anywhere after which a rank gives up (default: 10 min without anybody computing)");
  seconds(app, "--time-limit", options.time_limit,
          "time that this call may take: nothing is begun that will not end before (also from SLURM_JOB_END_TIME)");
  seconds(app, "--grace", options.grace, "time that chunks at work have to end once a signal told the run to stop")
      ->default_str("20");
  add(app, "--no-copies", options.no_copies, "near the end, do not compute again what another rank takes too long for");
  add(app, "--exit-count", options.exit_count,
      "exit code: the number of failed chunks (101: more than 100), or 255 for errors of another kind");
  add(app, "--wait", options.wait,
      "where others compute this run already: stay to its end and print the result, instead of leaving when nothing is left");
  add(app, "--restarts", options.restarts, "times that -n starts its ranks anew when all of them were lost")
      ->type_name("K")
      ->default_str("5");
  add(app, "--no-steal", options.no_steal, "each rank computes its own share only");
  bytes(app, "--partial-limit", options.partial_limit, "largest partial that may be stored")->default_str("64M");
  bytes(app, "--plan-limit", options.plan_limit, "largest plan that may be stored, at most 500M")->default_str("256M");
  seconds(app, "--board-timeout", options.board_timeout, "time to wait for a blackboard that does not answer")
      ->default_str("60");
  add(app, "--output", options.output, "file for the result (default: stdout); written whole or not at all")
      ->type_name("FILE");
  add(app, "--summary", options.summary, "file for counts and times, in JSON")->type_name("FILE");
  add(app, "--progress", options.progress, "show the bar also where stderr is no terminal");
  add(app, "--log", options.log, "file for a log (of rank R: FILE.R; devices and pipes get those of all ranks)")->type_name("FILE");
  add(app, "-v,--verbose", options.verbose, "say more on stderr");
  add(app, "-q,--quiet", options.quiet, "say nothing but errors");
}

}  // namespace stint
