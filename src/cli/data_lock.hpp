// SPDX-License-Identifier: Apache-2.0
// The lock of a home's data among the processes of one host: serve.lock. The guardian holds it during its lifetime, and
// writes into it its identity and the place of its server's socket, so that commands find both in any environment.
// Other hosts: data_lease.hpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace stint {

class DataLock {
 public:
  /// None: another process of this host has it. Throws Error(usage) if the file cannot be locked.
  static std::optional<DataLock> take(const std::filesystem::path& home);
  ~DataLock();  ///< releases the lock
  DataLock(DataLock&& other) noexcept;
  DataLock& operator=(DataLock&& other) noexcept;
  DataLock(const DataLock&) = delete;
  DataLock& operator=(const DataLock&) = delete;

  /// Records this process as the guardian, the batch job for which it was started ('': it outlives a job), and the place of
  /// the socket.
  void write(const std::string& job, const std::filesystem::path& socket) const;

 private:
  explicit DataLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

struct GuardianRecord {
  bool here = false;     ///< it was written on this host, in this boot
  std::int64_t pid = 0;  ///< 0: the guardian has ended, or is in another pid namespace
  std::string job;
  std::filesystem::path socket;
};
/// The record of the last guardian of the home; none: there was no guardian.
std::optional<GuardianRecord> last_guardian(const std::filesystem::path& home);
/// The same, if it was written on this host in this boot.
std::optional<GuardianRecord> guardian_here(const std::filesystem::path& home);

/// The batch job in which this process runs, of any batch system known; empty: none.
std::string batch_job_here();

}  // namespace stint
