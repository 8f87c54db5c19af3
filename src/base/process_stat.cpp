// SPDX-License-Identifier: Apache-2.0
#include "base/process_stat.hpp"

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace stint {

std::optional<ProcessStat> process_stat(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  // The program's name is in brackets and may hold any bytes, including line ends.
  const auto name_end = text.rfind(')');
  if (name_end == text.npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  ProcessStat stat;
  fields >> stat.state >> stat.parent;
  std::string skipped;
  for (int field = 5; field < 22; ++field) fields >> skipped;
  fields >> stat.start;
  if (!fields) return std::nullopt;
  return stat;
}

}  // namespace stint
