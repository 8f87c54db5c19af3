// SPDX-License-Identifier: Apache-2.0
#include "base/standard_descriptors.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <set>
#include <string>
#include <unistd.h>

namespace stint {
namespace {

std::set<int>& known() {
  static std::set<int> descriptors;
  return descriptors;
}

}  // namespace

void open_standard_descriptors() {
  for (int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    const int mode = descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (::open("/dev/null", mode) < 0 && ::open("/", O_RDONLY | O_DIRECTORY) < 0) ::_exit(2);
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    known().insert(std::atoi(entry.path().filename().c_str()));
  }
  // The list includes the descriptor of the listing itself, which is closed now.
  std::erase_if(known(), [](int descriptor) { return ::fcntl(descriptor, F_GETFD) < 0; });
}

bool inherited(int descriptor) { return known().contains(descriptor); }

}  // namespace stint
