// SPDX-License-Identifier: Apache-2.0
// Doctor's checks of this machine: programs, cores, memory, limits, clock.
#include "base/environment.hpp"
#include "base/program.hpp"
#include "cli/control_group.hpp"
#include "cli/display.hpp"
#include "cli/doctor_checks.hpp"
#include "cli/embedded_server.hpp"
#include "cli/quantity_text.hpp"
#include "cli/trial.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sys/resource.h>
#include <sys/timex.h>
#include <unistd.h>

namespace stint {
namespace {

std::uint64_t meminfo(const std::string& name) {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10) * 1024;
  }
  return 0;
}

std::string shown_limit(rlim_t limit) { return limit == RLIM_INFINITY ? "unlimited" : std::to_string(limit); }

}  // namespace

Check server_program_check() {
  const std::string given = environment("STINT_REDIS_SERVER");
  const auto candidates =
      given.empty() ? std::vector<std::string>{"redis-server", "valkey-server"} : std::vector{given};
  for (const auto& program : candidates) {
    const auto trial = try_program({program, "--version"}, 10);
    if (trial.error != 0) continue;
    const auto at = trial.out.find("v=");
    const std::string version = at == trial.out.npos ? "" : trial.out.substr(at + 2, trial.out.find(' ', at) - at - 2);
    if (std::atoi(version.c_str()) >= 7) return {"server", Health::ok, program + " " + version, ""};
    return {"server", Health::bad, program + (version.empty() ? " tells no version" : " " + version),
            "Stint's own blackboard needs 7.0 or later; set STINT_REDIS_SERVER to a newer one, or give --board",
            Exit::board};
  }
  if (!given.empty()) {
    return {"server", Health::bad, "STINT_REDIS_SERVER names " + given + ", which cannot be run",
            "correct it, or unset it", Exit::board};
  }
  return {"server", Health::bad, "neither redis-server nor valkey-server is on the PATH",
          "install one (Debian: apt install redis-server), set STINT_REDIS_SERVER, or give --board redis://host:port",
          Exit::board};
}

Check cores_check() {
  const int cores = usable_cores();
  const long all = std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN));
  const auto quota = group_limits().cores;
  const std::string found = fmt::format("{} of {} may be used", cores, all);
  if (!quota || *quota >= cores) return {"cores", Health::ok, found, ""};
  return {"cores", Health::warn,
          fmt::format("{}, but only {:.3g} at a time (quota of the control group)", found, *quota),
          fmt::format("more threads are stopped again and again; give --threads {} in all, or raise the quota",
                      std::max(1, static_cast<int>(*quota)))};
}

Check openmp_check() {
  const int cores = usable_cores();
  std::string set;
  for (const auto* name : {"OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY"}) {
    if (const auto value = environment(name); !value.empty()) set += (set.empty() ? "" : ", ") + (name + ("=" + value));
  }
  if (set.empty()) return {"OpenMP", Health::ok, "no OMP_ variable that matters is set", ""};
  std::string bind = environment("OMP_PROC_BIND");
  std::transform(bind.begin(), bind.end(), bind.begin(), [](unsigned char c) { return std::tolower(c); });
  const bool placed = !environment("OMP_PLACES").empty() || !environment("GOMP_CPU_AFFINITY").empty();
  if ((!bind.empty() || placed) && bind != "false") {
    return {"OpenMP", Health::warn, set,
            "the ranks of " + typed("run -n") + " then bind to the same cores; unset these variables"};
  }
  const int limit = std::atoi(environment("OMP_THREAD_LIMIT").c_str());
  if (limit > 0 && limit < cores) {
    return {"OpenMP", Health::warn, set, fmt::format("a rank gets at most {} threads; unset OMP_THREAD_LIMIT", limit)};
  }
  const int threads = std::atoi(environment("OMP_NUM_THREADS").c_str());
  if (threads > cores) {
    return {"OpenMP", Health::warn, set,
            fmt::format("{} threads of each rank share {} cores; unset it, or give --threads", threads, cores)};
  }
  if (threads == 1 && cores > 1) {
    return {"OpenMP", Health::warn, set,
            fmt::format("each rank computes on 1 of {} cores; unset it, or give --threads or -n {}", cores, cores)};
  }
  return {"OpenMP", Health::ok, set, ""};
}

Check memory_check() {
  const auto free = meminfo("MemAvailable");
  const auto limit = group_limits().memory;
  std::string found = shown_bytes(free) + " of " + shown_bytes(meminfo("MemTotal")) + " free";
  if (limit) found += ", limit of the control group " + shown_bytes(*limit);
  if (std::min(free, limit.value_or(free)) >= 1024 * mebi) return {"memory", Health::ok, found, ""};
  return {"memory", Health::warn, found,
          "the kernel kills ranks when it is used up; fewer ranks or threads, smaller chunks, or more memory"};
}

Check overcommit_check() {
  const std::string mode = first_line("/proc/sys/vm/overcommit_memory");
  const std::string found = mode.empty() ? "not told" : "vm.overcommit_memory=" + mode;
  if (mode == "2") {
    return {
        "overcommit", Health::warn, found,
        "a redis-server here that cannot reserve its own size again cannot rewrite its append-only file, which then "
        "grows; sysctl vm.overcommit_memory=1"};
  }
  // 0: a fork is refused only if the server is about as large as the whole memory; board_memory warns long before.
  return {"overcommit", Health::ok, found, ""};
}

Check huge_pages_check() {
  const std::string line = first_line("/sys/kernel/mm/transparent_hugepage/enabled");
  const auto from = line.find('[');
  const std::string mode = from == line.npos ? "" : line.substr(from + 1, line.find(']') - from - 1);
  if (mode.empty()) return {"huge pages", Health::ok, "not told", ""};
  return {"huge pages", Health::ok, mode + (mode == "always" ? ", but Redis turns them off for itself" : ""), ""};
}

Check open_files_check() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t usable = std::min<rlim_t>(limit.rlim_max, most_clients);  // the server raises its own limit to the hard limit
  const rlim_t ranks = usable > 64 ? (usable - 64) / connections_of_rank : 0;
  const std::string found = fmt::format("{}, at most {}: a redis-server started here serves {}",
                                        shown_limit(limit.rlim_cur), shown_limit(limit.rlim_max), counted(ranks, "rank"));
  if (limit.rlim_max < 1024) {
    return {"open files", Health::warn, found, "raise it with ulimit -Hn, or in limits.conf"};
  }
  if (limit.rlim_cur < 256) {
    return {"open files", Health::warn, found, "a rank uses about 50, and your job its own; raise it: ulimit -n 1024"};
  }
  return {"open files", Health::ok, found, ""};
}

Check processes_check() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NPROC, &limit);
  const auto tasks = group_limits().tasks;
  const bool free = limit.rlim_cur == RLIM_INFINITY || ::geteuid() == 0;  // the limit does not apply to root
  auto least = free ? std::uint64_t{1} << 40 : std::uint64_t{limit.rlim_cur};
  least = std::min(least, tasks.value_or(least));
  const std::string found = shown_limit(limit.rlim_cur) + (tasks ? fmt::format(", control group {}", *tasks) : "");
  // A rank has its own threads, four of Stint's and about four of MPI's.
  const auto wanted = static_cast<std::uint64_t>(usable_cores()) * 10 + 100;
  if (least >= wanted) return {"processes", Health::ok, found, ""};
  return {"processes", Health::warn, found,
          fmt::format("a rank on each core takes up to {} threads, and one that cannot start ends its rank; raise it: "
                      "ulimit -u",
                      wanted)};
}

Check clock_check() {
  timex state{};
  const int answer = ::adjtimex(&state);
  const std::string source = first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  const std::string by = source.empty() ? "" : ", source " + source;
  if (answer < 0) return {"clock", Health::ok, "not told whether it is synchronised" + by, ""};
  if ((state.status & STA_UNSYNC) == 0) return {"clock", Health::ok, "synchronised" + by, ""};
  return {"clock", Health::warn, "not synchronised" + by,
          "times shown may be wrong, leases and results are not; install chrony"};
}

}  // namespace stint
