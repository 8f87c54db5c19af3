// SPDX-License-Identifier: Apache-2.0
#include "cli/descendants.hpp"

#include "base/process_stat.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <map>
#include <string>

namespace stint {
namespace {

// The children of `pid`, their children, and so on, from /proc at this moment; without `pid`.
std::vector<pid_t> descendants(pid_t pid) {
  std::multimap<pid_t, pid_t> children;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; entry != end; entry.increment(error)) {
    const auto name = entry->path().filename().string();
    pid_t each = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), each);
    if (read.ec == std::errc{} && read.ptr == name.data() + name.size()) {
      if (const auto stat = process_stat(each)) children.emplace(static_cast<pid_t>(stat->parent), each);
    }
    if (error) break;
  }
  std::vector<pid_t> found{pid};
  for (std::size_t at = 0; at < found.size(); ++at) {
    const auto [first, last] = children.equal_range(found[at]);
    std::transform(first, last, std::back_inserter(found), [](const auto& child) { return child.second; });
  }
  found.erase(found.begin());
  return found;
}

}  // namespace

std::vector<pid_t> stop_descendants(pid_t pid) {
  std::vector<pid_t> stopped;
  for (bool found = true; found;) {
    found = false;
    for (const pid_t each : descendants(pid)) {
      if (std::ranges::find(stopped, each) != stopped.end()) continue;
      found = true;
      ::kill(each, SIGSTOP);
      stopped.push_back(each);
    }
  }
  return stopped;
}

void continue_processes(const std::vector<pid_t>& pids) {
  for (const pid_t pid : pids) ::kill(pid, SIGCONT);
}

}  // namespace stint
