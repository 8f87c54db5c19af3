// SPDX-License-Identifier: Apache-2.0
#include "process_group.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>

namespace stint::commands {
namespace {

bool runs_in(const std::filesystem::path& process, int group) {
  std::ifstream file(process / "stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  // PID (PROGRAM) STATE PARENT GROUP …; the program's name may hold anything.
  const auto name_end = text.rfind(')');
  if (name_end == text.npos) return false;
  char state = 'Z';
  int parent = 0, of = 0;
  std::istringstream(text.substr(name_end + 1)) >> state >> parent >> of;
  return of == group && state != 'Z' && state != 'X';
}

}  // namespace

bool group_lives(int group) {
  if (::kill(-group, 0) != 0) return false;
  std::error_code error;
  for (std::filesystem::directory_iterator process("/proc", error), end; !error && process != end; process.increment(error)) {
    const auto name = process->path().filename().native();
    if (name.find_first_not_of("0123456789") == name.npos && runs_in(process->path(), group)) return true;
  }
  return false;
}

}  // namespace stint::commands
