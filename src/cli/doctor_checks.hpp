// SPDX-License-Identifier: Apache-2.0
// The checks of doctor, in order: each function examines one thing and returns its finding. A fact that cannot be found out
// is reported as 'not told' and is ok: a check is bad only for what stops a run, and warns of what makes it slower,
// less safe or harder to trust.
#pragma once

#include "base/error.hpp"
#include "redis/address.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace stint {

enum class Health { ok, warn, bad };

struct Check {
  std::string name;
  Health health = Health::ok;
  std::string found;
  std::string advice;       ///< the effect on a run, and what to change; empty when ok
  Exit exit = Exit::usage;  ///< doctor's exit code when this is bad
};

/// Connections of each rank to the blackboard: courier and heartbeat. The leader's reducer has one more.
constexpr unsigned connections_of_rank = 2, connections_of_leader = 1;

// Programs and MPI (doctor_mpi.cpp, doctor_machine.cpp).
Check server_program_check();
/// mpirun, launch, recovery, binding, user: the last four by real starts of 2 ranks.
std::vector<Check> mpi_checks();

// This machine (doctor_machine.cpp).
Check cores_check();
Check openmp_check();
Check memory_check();
Check overcommit_check();
Check huge_pages_check();
Check open_files_check();
Check processes_check();
Check clock_check();

// The folder of the embedded blackboard (doctor_home.cpp).
Check home_check(const std::filesystem::path& home);
Check space_check(const std::filesystem::path& home);
Check file_system_check(const std::filesystem::path& home);
Check lock_check(const std::filesystem::path& home);
Check sync_check(const std::filesystem::path& home);
Check data_check(const std::filesystem::path& home);
Check socket_check(const std::filesystem::path& socket);

// The blackboard (doctor_board.cpp).
/// One check only, if it cannot be used at all, or if the embedded one does not run.
std::vector<Check> board_checks(const redis::Address& address, bool embedded);

/// A bad check from an error line: the text before the first "; " is the finding, the rest is advice.
Check bad_check(const std::string& name, const std::string& line, Exit exit);
/// Cores that this process may use, even if OpenMP has bound its first thread to one.
int usable_cores();
/// 1610612736 → "1.5 GiB".
std::string shown_bytes(std::uint64_t bytes);
/// The first line of a file, or of the environment variable: "" if there is none.
std::string first_line(const std::filesystem::path& file);

}  // namespace stint
