// SPDX-License-Identifier: Apache-2.0
#include "cli/data_lock.hpp"

#include "base/environment.hpp"
#include "base/error.hpp"
#include "cli/private_file.hpp"
#include "engine/whereabouts.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sstream>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace stint {
namespace {

namespace fs = std::filesystem;
const std::string no_job = "-";

fs::path lock_file(const fs::path& home) { return home / "serve.lock"; }

std::string kernel_of(const std::string& boot) { return boot.substr(0, boot.find('/')); }

}  // namespace

std::optional<DataLock> DataLock::take(const fs::path& home) {
  const auto file = lock_file(home);
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor >= 0 && ::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return DataLock(descriptor);
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (descriptor >= 0 && error == EWOULDBLOCK) return std::nullopt;
  throw Error(Exit::usage, "cannot lock " + file.string() + ": " + (error == ELOOP ? "it is a link" : std::strerror(error)) +
                               "; set STINT_HOME to a folder of your own, on a file system with locks");
}

DataLock::DataLock(DataLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

DataLock& DataLock::operator=(DataLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

DataLock::~DataLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

// The file is never replaced: other processes wait for the lock of this very file.
void DataLock::write(const std::string& job, const fs::path& socket) const {
  const auto here = Whereabouts::here();
  const auto text = here.boot + " " + std::to_string(here.pid) + " " + std::to_string(here.start) + " " +
                    (job.empty() ? no_job : job) + " " + socket.string() + "\n";
  [[maybe_unused]] const bool written = ::pwrite(descriptor_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
                                        ::ftruncate(descriptor_, static_cast<off_t>(text.size())) == 0;
}

std::optional<GuardianRecord> last_guardian(const fs::path& home) {
  std::istringstream line(private_line(lock_file(home)));
  std::string boot;
  std::uint64_t start = 0;
  GuardianRecord guardian;
  std::string socket;
  if (!(line >> boot >> guardian.pid >> start >> guardian.job) || line.get() != ' ' || !std::getline(line, socket)) {
    return std::nullopt;
  }
  const auto here = Whereabouts::here();
  guardian.here = kernel_of(boot) == kernel_of(here.boot);
  if (boot != here.boot || process_start(guardian.pid) != start) guardian.pid = 0;
  if (guardian.job == no_job) guardian.job.clear();
  guardian.socket = socket;
  return guardian;
}

std::optional<GuardianRecord> guardian_here(const fs::path& home) {
  auto guardian = last_guardian(home);
  return guardian && guardian->here ? guardian : std::nullopt;
}

std::string batch_job_here() {
  for (const auto* name : {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "FLUX_JOB_ID", "OAR_JOB_ID"}) {
    const auto job = environment(name);
    if (!job.empty() && job.find_first_of(" \t\n") == job.npos) return std::string(name) + "=" + job;
  }
  return "";
}

}  // namespace stint
