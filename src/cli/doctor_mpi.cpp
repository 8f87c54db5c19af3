// SPDX-License-Identifier: Apache-2.0
// Doctor's checks of mpirun, by real starts of 2 ranks of this program: in the way of `stint run -n`; the same
// with a rank that is killed; and without these flags, as a user may call mpirun. Each start has a timeout.
#include "base/environment.hpp"
#include "base/program.hpp"
#include "cli/doctor.hpp"
#include "cli/doctor_checks.hpp"
#include "cli/launcher.hpp"
#include "cli/terminal.hpp"
#include "cli/trial.hpp"
#include "mpi/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <unistd.h>

namespace stint {
namespace {

constexpr double launch_bound = 20;  // seconds; for one start
constexpr double slow_launch = 5;
constexpr auto rank_bound = std::chrono::seconds(10);
constexpr auto until_ended = std::chrono::seconds(2);  // mpirun without recovery ends the other ranks after 1 s
Trial start_two(std::vector<std::string> words, const std::string& part) {
  std::erase(words, "-q");  // here mpirun's own output is wanted
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  words.insert(words.end(), {"-n", "2", self, "doctor", "--as-rank", part});
  if (::geteuid() != 0) return try_program(words, launch_bound);
  return try_program(words, launch_bound, {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"});
}

// The first paragraph of its output on one line, without the frame that mpirun draws around it.
std::string said(const Trial& trial) {
  if (!trial.in_time) return fmt::format("no end within {:.0f} s", launch_bound);
  std::string text;
  std::string_view rest = trial.err;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest = end == rest.npos ? "" : rest.substr(end + 1);
    if (line.find_first_not_of("- \r") != line.npos) {
      text += (text.empty() ? "" : " ") + std::string(line);
    } else if (!text.empty()) {
      break;
    }
  }
  if (text.empty()) return fmt::format("exit code {}", trial.exit_code);
  while (text.ends_with('.') || text.ends_with(':')) text.pop_back();
  return text;
}

// The reports of the ranks.
struct Ranks {
  int count = 0;
  int alone = 0;  // ranks that are each a world of one
  int cores = 0;  // the minimum over the ranks
};

Ranks ranks_of(const std::string& out) {
  Ranks ranks;
  for (auto at = out.find("rank "); at != out.npos; at = out.find("rank ", at + 1)) {
    int rank = 0;
    int size = 0;
    int cores = 0;
    if (std::sscanf(out.c_str() + at, "rank %d of %d: %d cores", &rank, &size, &cores) != 3) continue;
    ranks.cores = ranks.count == 0 ? cores : std::min(ranks.cores, cores);
    ++ranks.count;
    if (size == 1) ++ranks.alone;
  }
  return ranks;
}

Check mpirun_check(const Trial& version) {
  const std::string line = version.out.substr(0, version.out.find('\n'));
  if (version.error != 0) {
    return {"mpirun", Health::bad, version.error == ENOENT ? "not on the PATH" : std::strerror(version.error),
            typed("run -n") + " cannot start ranks; install Open MPI (Debian: apt install openmpi-bin), or run without -n"};
  }
  const auto at = line.find("Open MPI) ");
  if (at == line.npos) {
    return {"mpirun", Health::bad, line.empty() ? said(version) : line,
            "not Open MPI, and " + typed("run -n") + " needs its --enable-recovery; put an Open MPI 4.1 or 5 first on the PATH"};
  }
  const std::string number = line.substr(at + 10);
  if (number.starts_with("4.1.") || number.starts_with("5.")) return {"mpirun", Health::ok, "Open MPI " + number, ""};
  return {"mpirun", Health::warn, "Open MPI " + number,
          "Stint was tried with 4.1 and 5; the next lines say what works"};
}

Check launch_check(const Trial& trial, const Ranks& ranks) {
  const std::string took = fmt::format("2 ranks started and ended in {:.1f} s", trial.seconds);
  if (!trial.passed() || ranks.count != 2) {
    return {"launch", Health::bad, said(trial), typed("run -n") + " does not work here; run without -n until this is mended"};
  }
  if (ranks.alone > 0) {
    return {"launch", Health::bad, "each of 2 ranks is alone in its world",
            "this mpirun belongs to another MPI than the library of this program; put the right one first on the PATH"};
  }
  if (trial.seconds > slow_launch) {
    return {"launch", Health::warn, took,
            "every start costs that; a host name that is looked up in vain is a usual cause"};
  }
  return {"launch", Health::ok, took, ""};
}

Check recovery_check(const Trial& trial) {
  if (trial.out.find("went on") != trial.out.npos && trial.in_time) {
    return {"recovery", Health::ok, "rank 0 was killed, rank 1 went on", ""};
  }
  return {
      "recovery", Health::bad, trial.in_time ? "rank 0 was killed, and rank 1 was ended with it" : said(trial),
      "a lost rank ends the run, and the same command has to continue it; use an Open MPI that has --enable-recovery"};
}

Check binding_check(int cores, const Ranks& as_run, const Trial& plain, const Ranks& by_hand) {
  const std::string ours = fmt::format("each of 2 ranks gets {} of {} cores with {}", as_run.cores, cores, typed("run -n"));
  if (as_run.cores < cores) {
    return {"binding", Health::warn, ours,
            "something binds them in spite of --bind-to none; see mpirun --report-bindings"};
  }
  if (!plain.passed() || by_hand.count == 0) {
    return {"binding", Health::warn, ours, "a plain mpirun does not start them: " + said(plain)};
  }
  if (by_hand.cores == cores) return {"binding", Health::ok, ours + " and with a plain mpirun", ""};
  return {"binding", Health::ok,
          fmt::format("{}, {} with a plain mpirun (give that --bind-to none)", ours, by_hand.cores), ""};
}

Check user_check() {
  if (::geteuid() != 0) return {"user", Health::ok, fmt::format("uid {}, not root", ::geteuid()), ""};
  if (environment("OMPI_ALLOW_RUN_AS_ROOT") == "1" && environment("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM") == "1") {
    return {"user", Health::ok, "root, and the environment allows mpirun that", ""};
  }
  return {"user", Health::warn, "root",
          typed("run -n") + " works, a plain mpirun refuses; be another user, or set OMPI_ALLOW_RUN_AS_ROOT=1 and "
          "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"};
}

}  // namespace

std::vector<Check> mpi_checks() {
  if (mpi::under_launcher()) {
    return {{"mpirun", Health::ok, "this is inside a world already, and no other is started in it", ""}};
  }
  std::vector<Check> checks{mpirun_check(try_program({"mpirun", "--version"}, launch_bound))};
  if (checks.front().health != Health::bad) {
    const auto launch = start_two(launch_words(), "stay");
    const auto ranks = ranks_of(launch.out);
    checks.push_back(launch_check(launch, ranks));
    if (checks.back().health != Health::bad) {
      checks.push_back(recovery_check(start_two(launch_words(), "lose")));
      const auto plain = start_two({"mpirun"}, "stay");
      checks.push_back(binding_check(usable_cores(), ranks, plain, ranks_of(plain.out)));
    }
  }
  checks.push_back(user_check());
  return checks;
}

int doctor_rank(bool lose) {
  using std::chrono::milliseconds;
  mpi::World world(launch_bound);
  const auto first = std::atoi(world.broadcast(std::to_string(::getpid()), 10).c_str());
  print(fmt::format("rank {} of {}: {} cores\n", world.rank(), world.size(), usable_cores()));
  if (!lose || world.size() < 2) return 0;
  if (world.rank() == 0) {
    std::this_thread::sleep_for(milliseconds(100));  // the other ranks have reported by then
    std::raise(SIGKILL);
  }
  // When the process is gone mpirun has seen its death; on another host only time can tell.
  const auto end = std::chrono::steady_clock::now() + rank_bound;
  if (world.ranks_here() == world.size()) {
    while (::kill(first, 0) == 0 && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(milliseconds(10));
    }
  } else {
    std::this_thread::sleep_for(milliseconds(1000));
  }
  std::this_thread::sleep_for(until_ended);
  print(fmt::format("rank {} went on\n", world.rank()));
  ::_exit(0);  // MPI_Finalize might wait for the lost rank
}

}  // namespace stint
