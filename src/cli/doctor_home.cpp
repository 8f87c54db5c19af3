// SPDX-License-Identifier: Apache-2.0
// Doctor's checks of the folder of the embedded blackboard: they try locks and fsync there, since a network
// file system may not do what it promises.
#include "base/error.hpp"
#include "cli/data_mark.hpp"
#include "cli/doctor_checks.hpp"
#include "cli/embedded_server.hpp"
#include "cli/quantity_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace stint {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t good_space = 1024 * mebi;
constexpr double slow_sync = 0.2;            // seconds; Redis syncs once a second
constexpr std::size_t longest_socket = 107;  // bytes

// A file in the folder, without a name, or removed at the end.
class ScratchFile {
 public:
  explicit ScratchFile(const fs::path& folder) : name_((folder / "doctor-XXXXXX").string()) {
    descriptor_ = ::mkstemp(name_.data());
  }
  ~ScratchFile() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    ::unlink(name_.c_str());
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
  int descriptor_;
};

struct Kind {
  unsigned long magic;  // statfs(2)
  const char* name;
  const char* advice;
};

constexpr const char* network =
    "fsync is slower there; good where several nodes share runs (one serves them all, over its --interface), else set "
    "STINT_HOME to a local disk";
constexpr const char* in_memory = "all runs are lost when the machine restarts; set STINT_HOME to a disk";
constexpr const char* of_container = "all runs are lost with the container; set STINT_HOME to a volume";
constexpr Kind file_systems[] = {
    {0xEF53, "ext2/3/4", ""},
    {0x58465342, "xfs", ""},
    {0x9123683E, "btrfs", ""},
    {0x2FC12FC1, "zfs", ""},
    {0xF2F52010, "f2fs", ""},
    {0x6969, "nfs", network},
    {0x0BD00BD0, "lustre", network},
    {0x47504653, "gpfs", network},
    {0x19830326, "beegfs", network},
    {0x00C36400, "ceph", network},
    {0xFF534D42, "cifs", network},
    {0xFE534D42, "smb", network},
    {0x517B, "smb", network},
    {0x5346414F, "afs", network},
    {0x01021997, "9p", network},
    {0x65735546, "fuse", network},
    {0x01021994, "tmpfs", in_memory},
    {0x858458F6, "ramfs", in_memory},
    {0x794C7630, "overlay", of_container},
};

}  // namespace

Check home_check(const fs::path& home) {
  struct stat info {};
  if (::stat(home.c_str(), &info) != 0) return {"home", Health::bad, home.string() + ": " + std::strerror(errno), ""};
  const std::string found = fmt::format("{}, mode {:o}", home.string(), info.st_mode & 07777U);
  if ((info.st_mode & 077U) == 0) return {"home", Health::ok, found, ""};
  return {"home", Health::warn, found, "other users may look into your runs; chmod 700 it"};
}

Check space_check(const fs::path& home) {
  struct statvfs info {};
  if (::statvfs(home.c_str(), &info) != 0) return {"space", Health::ok, "not told", ""};
  const std::uint64_t free = std::uint64_t{info.f_bavail} * info.f_frsize;
  const std::string found = shown_bytes(free) + " free";
  if (free < least_space) {
    return {"space", Health::bad, found,
            "the blackboard does not start with less than 64 MiB; make room, or set STINT_HOME", Exit::board};
  }
  if (free < good_space) {
    return {"space", Health::warn, found,
            "a run stops taking chunks when the disk is full; make room, or set STINT_HOME"};
  }
  return {"space", Health::ok, found, ""};
}

Check file_system_check(const fs::path& home) {
  struct statfs info {};
  if (::statfs(home.c_str(), &info) != 0) return {"file system", Health::ok, "not told", ""};
  const auto magic = static_cast<unsigned long>(info.f_type) & 0xFFFFFFFFUL;
  for (const auto& kind : file_systems) {
    if (kind.magic != magic) continue;
    return {"file system", *kind.advice == '\0' ? Health::ok : Health::warn, kind.name, kind.advice};
  }
  return {"file system", Health::ok, fmt::format("unknown, type {:#x}", magic), ""};
}

Check lock_check(const fs::path& home) {
  const ScratchFile file(home);
  const int other = file.descriptor() < 0 ? -1 : ::open(file.name().c_str(), O_RDWR | O_CLOEXEC);
  Check check{"lock", Health::ok, "flock holds", "", Exit::board};
  if (other < 0 || ::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    check = {"lock", Health::bad, std::string("flock: ") + std::strerror(errno),
             "the blackboard cannot tell whether it is alone on its data; set STINT_HOME to another file system",
             Exit::board};
  } else if (::flock(other, LOCK_EX | LOCK_NB) == 0) {
    check = {"lock", Health::bad, "flock does not hold",
             "two servers could write one data folder; set STINT_HOME to another file system", Exit::board};
  }
  if (other >= 0) ::close(other);
  return check;
}

Check sync_check(const fs::path& home) {
  const ScratchFile file(home);
  double longest = 0;
  for (int round = 0; round < 5 && longest < 2; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    if (::write(file.descriptor(), "x", 1) != 1 || ::fdatasync(file.descriptor()) != 0) {
      return {"fsync", Health::bad, std::string("fdatasync: ") + std::strerror(errno),
              "the blackboard cannot make its data safe; set STINT_HOME to another file system", Exit::board};
    }
    longest = std::max(longest, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  const std::string found = fmt::format("at most {:.1f} ms (5 tries)", longest * 1000);
  if (longest < slow_sync) return {"fsync", Health::ok, found, ""};
  return {"fsync", Health::warn, found,
          "all ranks wait while the server syncs, once a second; set STINT_HOME to a faster disk"};
}

Check data_check(const fs::path& home) {
  try {
    check_data_mark(home);
  } catch (const Error& error) {
    return bad_check("data", error.what(), error.exit());
  }
  std::error_code error;
  return {"data", Health::ok, fs::exists(home / "data", error) ? "there" : "none yet", ""};
}

Check socket_check(const fs::path& socket) {
  const auto bytes = socket.string().size();
  const std::string found = fmt::format("{}, {} of {} bytes", socket.string(), bytes, longest_socket);
  if (bytes <= longest_socket) return {"socket", Health::ok, found, ""};
  return {"socket", Health::bad, found, "the server cannot listen there; set XDG_RUNTIME_DIR to a shorter path",
          Exit::board};
}

}  // namespace stint
