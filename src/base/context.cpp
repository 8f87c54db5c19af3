// SPDX-License-Identifier: Apache-2.0
// The functions of Context that do more than return a fact. The folder for temporary files belongs to the process: a
// rank is one process, so the folder is made once for each place, and removed when the process exits by itself. A rank
// that is killed leaves its folder; the name holds its pid.
#include <stint/context.hpp>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <system_error>

#include <unistd.h>

namespace stint {
namespace {

/// The finaliser of splitmix64 (Steele, Lea, Flood 2014): every bit of the argument changes half of the result's.
constexpr std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

class ScratchFolders {
 public:
  ~ScratchFolders() {
    if (owner_ != ::getpid()) return;  // a forked child must not remove its parent's files
    std::error_code ignored;
    for (const auto& [place, folder] : folders_) std::filesystem::remove_all(folder, ignored);
  }

  std::filesystem::path in(const std::filesystem::path& place) {
    const std::lock_guard lock(mutex_);
    std::filesystem::path& folder = folders_[place];
    if (folder.empty()) {
      std::filesystem::create_directories(place);
      std::string name = place / ("stint-scratch-" + std::to_string(owner_) + "-XXXXXX");
      if (::mkdtemp(name.data()) == nullptr) {
        throw std::filesystem::filesystem_error("no folder for temporary files", name,
                                                std::error_code(errno, std::generic_category()));
      }
      folder = name;
    }
    return folder;
  }

 private:
  const ::pid_t owner_ = ::getpid();
  std::mutex mutex_;
  std::map<std::filesystem::path, std::filesystem::path> folders_;  // place → folder; guarded by mutex_
};

}  // namespace

std::uint64_t Context::seed(std::uint64_t chunk) const {
  // Two rounds with the golden-ratio step between them: neighbours in either argument share nothing.
  return mix(mix(facts_->seed + 0x9e3779b97f4a7c15U) + (chunk + 1) * 0x9e3779b97f4a7c15U);
}

std::filesystem::path Context::scratch_dir() const {
  static ScratchFolders folders;
  return folders.in(facts_->scratch_dir.empty() ? std::filesystem::temp_directory_path() : facts_->scratch_dir);
}

}  // namespace stint
