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

  /// Says that this process is the guardian, and where the socket is.
  void write(const std::filesystem::path& socket) const;

 private:
  explicit DataLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

struct GuardianHere {
  std::int64_t pid = 0;  ///< 0: it ended, or is out of sight of this process
  std::filesystem::path socket;
};
/// What the last guardian on this host wrote; none: there was none in this boot.
std::optional<GuardianHere> guardian_here(const std::filesystem::path& home);

}  // namespace stint
