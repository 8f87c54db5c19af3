// SPDX-License-Identifier: Apache-2.0
#include "base/own_folder.hpp"

#include <mutex>
#include <sys/stat.h>
#include <utility>

namespace stint {
namespace {

std::mutex own_mutex;
std::string own;  // empty: there is none

}  // namespace

void set_own_folder(std::string path) {
  const std::lock_guard lock(own_mutex);
  own = std::move(path);
}

bool is_own_folder(const struct stat& directory) {
  const std::lock_guard lock(own_mutex);
  struct stat info {};
  return !own.empty() && ::stat(own.c_str(), &info) == 0 && info.st_dev == directory.st_dev && info.st_ino == directory.st_ino;
}

}  // namespace stint
