// SPDX-License-Identifier: Apache-2.0
#include "base/own_folder.hpp"

#include <filesystem>
#include <mutex>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace stint {
namespace {

std::mutex own_mutex;
std::string own;  // empty: not set

bool own_stat(struct stat& info) {
  const std::lock_guard lock(own_mutex);
  return !own.empty() && ::stat(own.c_str(), &info) == 0;
}

bool same(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

bool is_or_lies_in(std::filesystem::path path, const struct stat& folder) {
  for (;; path = path.parent_path()) {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0 && same(info, folder)) return true;
    if (!path.has_relative_path()) return false;
  }
}

}  // namespace

void set_own_folder(std::string path) {
  const std::lock_guard lock(own_mutex);
  own = std::move(path);
}

bool is_own_folder(const struct stat& directory) {
  struct stat info {};
  return own_stat(info) && same(info, directory);
}

// Checks both the given and the resolved path: `data` in the home may be a link to a larger disk.
bool lies_in_own_folder(const std::string& path) {
  struct stat info {};
  if (!own_stat(info)) return false;
  std::error_code error;
  const auto resolved = std::filesystem::canonical(path, error);
  return is_or_lies_in(path, info) || (!error && resolved != path && is_or_lies_in(resolved, info));
}

}  // namespace stint
