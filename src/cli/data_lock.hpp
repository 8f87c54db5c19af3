// SPDX-License-Identifier: Apache-2.0
// The lock of a home's data among the processes of one host: serve.lock. The guardian holds it as long as it lives, and
// writes into it who it is and where its server's socket is, so that commands find both whatever their environment is.
// Other hosts: data_lease.hpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace stint {

class DataLock {
 public:
  /// None: another process of this host has it. Throws Error(usage) where the file cannot be locked.
  static std::optional<DataLock> take(const std::filesystem::path& home);
  ~DataLock();  ///< gives it back
  DataLock(DataLock&& other) noexcept;
  DataLock& operator=(DataLock&& other) noexcept;
  DataLock(const DataLock&) = delete;
  DataLock& operator=(const DataLock&) = delete;

  /// Says that this process is the guardian, for which batch job it was started ('': it is to outlive that), and where
  /// the socket is.
  void write(const std::string& job, const std::filesystem::path& socket) const;

 private:
  explicit DataLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

struct GuardianRecord {
  bool here = false;     ///< it is of this host, and of this boot
  std::int64_t pid = 0;  ///< 0: it ended, or is out of sight of this process
  std::string job;
  std::filesystem::path socket;
};
/// What the last guardian of the home wrote; none: there was none.
std::optional<GuardianRecord> last_guardian(const std::filesystem::path& home);
/// The same of this host and this boot.
std::optional<GuardianRecord> guardian_here(const std::filesystem::path& home);

/// The batch job in which this process runs, of any batch system known; empty: none.
std::string batch_job_here();

}  // namespace stint
