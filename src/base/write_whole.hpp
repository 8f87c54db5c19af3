// SPDX-License-Identifier: Apache-2.0
// A whole text into a descriptor that blocks, such as a file's.
#pragma once

#include <cerrno>
#include <string_view>
#include <unistd.h>

namespace stint {

/// Returns 0, or the errno with which the write failed; ENOSPC if the system wrote nothing and named no error.
inline int write_whole(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? errno : ENOSPC;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

}  // namespace stint
