// SPDX-License-Identifier: Apache-2.0
#include "cli/foreign_options.hpp"

#include <algorithm>
#include <iterator>

namespace stint {
namespace {

constexpr std::string_view packing =
    "a command gets one value of each source; values that belong together come from sources that are linked by :::+ or ::::+";
constexpr std::string_view no_input =
    "commands have no standard input; cut the text into files first (split -n l/100 FILE) and give those as values";
constexpr std::string_view hosts = "other hosts compute with -n N --hostfile FILE";
constexpr std::string_view order =
    "outputs are shown whole, one command after another; --unordered shows them as the commands end";
constexpr std::string_view columns = "a line is one value; give a file for each column: :::: FILE1 ::::+ FILE2, with {1} and {2}";
constexpr std::string_view linked = "sources that give their values side by side are linked by :::+ or ::::+";
constexpr std::string_view again = "$0 rerun RUN -n N runs again what failed";

// clang-format off
constexpr ForeignOption foreign_options[] = {
    {"-j", true, "--threads"}, {"-P", true, "--threads"}, {"--jobs", true, "--threads"}, {"--max-procs", true, "--threads"},
    {"-np", true, "--ranks"}, {"--np", true, "--ranks"},
    {"--bar", false, "--progress"}, {"--eta", false, "--progress"},
    {"-k", false, ""}, {"--keep-order", false, ""}, {"--resume", false, ""}, {"-r", false, ""},
    {"--no-run-if-empty", false, ""}, {"--group", false, ""}, {"--will-cite", false, ""},
    {"-a", true, "--each"}, {"--arg-file", true, "--each"}, {"--each-line", true, "--each"},
    {"-0", false, "--null"},
    {"--dryrun", false, "--dry-run"},
    {"--wd", true, "--workdir"}, {"--cwd", true, "--workdir"},
    {"--max-fails", true, "--max-failed"}, {"--retry", true, "--retries"}, {"--name", true, "--run-id"},
    {"--link", false, "", linked}, {"--xapply", false, "", linked},
    {"-i", false, "", "write {} where the value belongs"}, {"-t", false, "", "--dry-run prints the commands, and runs none"},
    {"--tagstring", true, "", "--tag writes the values of a command before each line of its output"},
    {"--header", true, "", columns}, {"--tmpdir", true, "", "set TMPDIR"},
    {"--stdout", true, "", "--results FOLDER keeps the output of each command in files"},
    {"-I", true, "", "write {} where the value belongs"}, {"--replace", true, "", "write {} where the value belongs"},
    {"-u", false, "", order}, {"--ungroup", false, "", order}, {"--lb", false, "", order}, {"--line-buffer", false, "", order},
    {"--linebuffer", false, "", order},
    {"--resume-failed", false, "", again}, {"--retry-failed", false, "", again},
    {"-N", true, "", packing}, {"-L", true, "", packing}, {"--max-args", true, "", packing}, {"-X", false, "", packing},
    {"-m", false, "", packing}, {"--xargs", false, "", packing},
    {"--pipe", false, "", no_input}, {"--pipepart", false, "", no_input}, {"--block", true, "", no_input},
    {"-S", true, "", hosts}, {"--sshlogin", true, "", hosts}, {"--sshloginfile", true, "", hosts}, {"--slf", true, "", hosts},
    {"-C", true, "", columns}, {"--colsep", true, "", columns}, {"-d", true, "", columns}, {"--delimiter", true, "", columns},
    {"--env", true, "", "commands have the environment of stint; --env-from FILE adds variables"},
    {"--nice", true, "", "start it as nice -n 10 $0 run …"},
    {"--load", true, "", "--threads and --memfree say how much runs at once"},
    {"--cpus", true, "", "--threads T says how many commands run at once on a rank"},
    {"--crash-limit", true, "", "a command that was alone on two ranks that died has failed; with --retries N it is tried again after N deaths"},
    {"--from-json", true, "", "values are lines: jq -c '.[]' FILE | $0 run commands COMMAND {}"},
    {"--array", true, "", "give the numbers as values: ::: $(seq 1 100)"},
};
// clang-format on

struct ForeignVerb {
  std::string_view name, ours;
};
// Of HyperQueue, of schedulers, of shells.
constexpr ForeignVerb foreign_verbs[] = {
    {"list", "ls"}, {"ps", "ls"}, {"jobs", "ls"}, {"runs", "ls"}, {"info", "status"}, {"show", "status"}, {"progress", "status"},
    {"delete", "rm"}, {"del", "rm"}, {"remove", "rm"}, {"forget", "rm"}, {"clean", "rm"}, {"prune", "rm"},
    {"kill", "cancel"}, {"stop", "cancel"}, {"abort", "cancel"}, {"log", "result"}, {"logs", "result"}, {"output", "result"}, {"cat", "result"},
    {"version", "--version"}, {"submit", "run"}, {"start", "run"}, {"exec", "run"}, {"resume", "run"}, {"retry", "rerun"},
    {"why", "explain"}, {"init", "new"}, {"create", "new"}, {"server", "serve"}, {"check", "doctor"},
};

}  // namespace

std::string foreign_verb(std::string_view name) {
  const auto* found = std::ranges::find(foreign_verbs, name, &ForeignVerb::name);
  return found == std::end(foreign_verbs) ? "" : std::string(found->ours);
}

const ForeignOption* foreign_option(std::string_view name) {
  const auto* found = std::find_if(std::begin(foreign_options), std::end(foreign_options), [&](const auto& option) { return option.name == name; });
  return found == std::end(foreign_options) ? nullptr : found;
}

}  // namespace stint
