// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor.hpp"

#include "cli/data_mark.hpp"
#include "cli/doctor_checks.hpp"
#include "cli/home.hpp"
#include "cli/home_board.hpp"
#include "cli/terminal.hpp"
#include "mpi/world.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <omp.h>
#include <unistd.h>

namespace stint {
namespace {

constexpr const char* words[] = {"ok", "warn", "bad"};
constexpr const char* colours[] = {"\x1b[32m", "\x1b[33m", "\x1b[31m"};

class Report {
 public:
  // On a terminal each line is shown as soon as its check is done.
  explicit Report(bool json)
      : json_(json),
        colour_(::isatty(STDOUT_FILENO) != 0 && !mpi::under_launcher() && std::getenv("NO_COLOR") == nullptr) {}

  void add(Check check) {
    const auto health = static_cast<std::size_t>(check.health);
    if (!json_) {
      const std::string mark = fmt::format("{:<4}", words[health]);
      print(fmt::format("{}  {:<13} {}{}\n", colour_ ? colours[health] + mark + "\x1b[0m" : mark, check.name, check.found,
                        check.advice.empty() ? "" : "; " + check.advice));
    }
    checks_.push_back(std::move(check));
  }
  void add(std::vector<Check> checks) {
    for (auto& check : checks) add(std::move(check));
  }

  int end() const {
    std::size_t counts[3] = {};
    int code = 0;
    auto list = nlohmann::json::array();
    for (const auto& check : checks_) {
      ++counts[static_cast<std::size_t>(check.health)];
      if (check.health == Health::bad && code != static_cast<int>(Exit::board)) code = static_cast<int>(check.exit);
      list.push_back({{"name", check.name},
                      {"state", words[static_cast<std::size_t>(check.health)]},
                      {"found", check.found},
                      {"advice", check.advice}});
    }
    if (json_) {
      const nlohmann::json json{{"schema", 1}, {"checks", list}};
      print(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    } else {
      print(fmt::format("\n{} checks: {} ok, {} warn, {} bad\n", checks_.size(), counts[0], counts[1], counts[2]));
    }
    return code;
  }

 private:
  const bool json_;
  const bool colour_;
  std::vector<Check> checks_;
};

// The folder, the program and the socket of the embedded blackboard; then the blackboard itself, if it runs.
void check_embedded(Report& report) {
  report.add(server_program_check());
  std::string what = "home";
  try {
    const auto home = home_folder();
    report.add(home_check(home));
    report.add(space_check(home));
    report.add(file_system_check(home));
    report.add(lock_check(home));
    report.add(sync_check(home));
    what = "data";
    report.add(data_check(home));
    what = "socket";
    const auto socket = socket_path(home);
    report.add(socket_check(socket));
    report.add(board_checks(answering(home).value_or(socket_address(home)), true));
  } catch (const Error& error) {
    report.add(bad_check(what, error.what(), Exit::board));
  }
}

}  // namespace

Check bad_check(const std::string& name, const std::string& line, Exit exit) {
  const auto cut = line.find("; ");
  return {name, Health::bad, line.substr(0, cut), cut == line.npos ? "" : line.substr(cut + 2), exit};
}

// With OMP_PROC_BIND, sched_getaffinity would return one core: the library keeps the mask that it found.
int usable_cores() { return ::omp_get_num_procs(); }

std::string shown_bytes(std::uint64_t bytes) {
  static constexpr const char* units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto number = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; number >= 1024 && unit < 5; ++unit) number /= 1024;
  return fmt::format("{:.{}f} {}", number, unit > 0 && number < 10 ? 1 : 0, units[unit]);
}

std::string first_line(const std::filesystem::path& file) {
  std::string line;
  std::ifstream stream(file);
  std::getline(stream, line);
  return line;
}

int doctor(const std::optional<redis::Address>& given, bool json) {
  if (mpi::rank_from_environment() != 0) return 0;  // under mpirun one report is enough
  Report report(json);
  report.add(mpi_checks());
  report.add(cores_check());
  report.add(openmp_check());
  report.add(memory_check());
  report.add(overcommit_check());
  report.add(huge_pages_check());
  report.add(open_files_check());
  report.add(processes_check());
  report.add(clock_check());
  if (given) {
    report.add(board_checks(*given, false));
  } else {
    check_embedded(report);
  }
  return report.end();
}

}  // namespace stint
