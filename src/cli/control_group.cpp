// SPDX-License-Identifier: Apache-2.0
#include "cli/control_group.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace stint {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t no_limit = std::uint64_t{1} << 60;  // for no limit, v1 writes a number near 2^63

// The first words of a file; empty: the file does not exist.
std::pair<std::string, std::string> two_words(const fs::path& file) {
  std::pair<std::string, std::string> words;
  std::ifstream(file) >> words.first >> words.second;
  return words;
}

template <class T>
void lower(std::optional<T>& limit, T value) {
  limit = limit ? std::min(*limit, value) : value;
}

void lower_by_file(std::optional<std::uint64_t>& limit, const fs::path& file) {
  const auto word = two_words(file).first;
  if (word.empty() || word == "max") return;
  const auto value = std::strtoull(word.c_str(), nullptr, 10);
  if (value < no_limit) lower(limit, std::uint64_t{value});
}

void lower_by_quota(std::optional<double>& limit, const std::string& quota, const std::string& period) {
  const double time = std::strtod(quota.c_str(), nullptr);  // "max" and "-1": no limit
  const double per = std::strtod(period.c_str(), nullptr);
  if (time > 0 && per > 0) lower(limit, time / per);
}

void lower_by_folder(GroupLimits& limits, const fs::path& folder) {
  const auto [quota, period] = two_words(folder / "cpu.max");
  lower_by_quota(limits.cores, quota, period);
  lower_by_quota(limits.cores, two_words(folder / "cpu.cfs_quota_us").first,
                 two_words(folder / "cpu.cfs_period_us").first);
  for (const auto* name : {"memory.max", "memory.limit_in_bytes"}) lower_by_file(limits.memory, folder / name);
  lower_by_file(limits.tasks, folder / "pids.max");
}

}  // namespace

GroupLimits group_limits() {
  GroupLimits limits;
  const fs::path root = "/sys/fs/cgroup";
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // hierarchy:controllers:path
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const fs::path mount = root / line.substr(first + 1, second - first - 1);
    // In a container the path may be the host's: then the mount itself is this group.
    fs::path folder = mount / fs::path(line.substr(second + 1)).relative_path();
    for (; folder != mount && folder.string().size() > mount.string().size(); folder = folder.parent_path()) {
      lower_by_folder(limits, folder);
    }
    lower_by_folder(limits, mount);
  }
  return limits;
}

}  // namespace stint
