// SPDX-License-Identifier: Apache-2.0
#include "cli/data_mark.hpp"

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "cli/aof_repair.hpp"
#include "cli/private_file.hpp"

#include <algorithm>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace stint {
namespace {

namespace fs = std::filesystem;

bool is_empty_file(const fs::path& file) {
  std::error_code error;
  return fs::file_size(file, error) == 0 && !error;
}

// Whether the folder has no file that Redis would read or miss.
bool holds_nothing(const fs::path& folder) {
  std::error_code error;
  const fs::directory_iterator entries(folder, error);
  if (error) return error == std::errc::no_such_file_or_directory;
  return std::ranges::none_of(entries, [](const auto& entry) {
    const auto end = entry.path().extension();
    return end == ".aof" || end == ".rdb" || end == ".manifest";
  });
}

bool sync(const fs::path& file) {
  const UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  return opened && ::fdatasync(opened.get()) == 0;
}

}  // namespace

fs::path data_mark(const fs::path& home) { return home / "data.mark"; }

void check_data_mark(const fs::path& home) {
  const auto marked = private_line(data_mark(home));
  if (marked.empty()) return;
  const auto folder = append_only_folder(home);
  const auto newest = newest_append_only_file(folder);
  const bool emptied = newest.filename() == marked && is_empty_file(newest);
  if (!emptied && !holds_nothing(folder)) return;
  throw Error(Exit::damaged, "the blackboard's data are gone, and with them its runs: " +
                                 (emptied ? newest.string() + " is empty" : folder.string() + " holds no data") +
                                 "; put back a copy, or remove " + data_mark(home).string() + " to begin anew");
}

void write_data_mark(const fs::path& home) noexcept {
  try {
    const auto newest = newest_append_only_file(append_only_folder(home));
    if (newest.empty() || is_empty_file(newest) || private_line(data_mark(home)) == newest.filename()) return;
    if (sync(newest)) write_private(data_mark(home), newest.filename().string() + "\n");
  } catch (const std::exception&) {
    // Retried a second later.
  }
}

}  // namespace stint
