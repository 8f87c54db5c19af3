// SPDX-License-Identifier: Apache-2.0
// The lease of a home's data: at most one guardian among all nodes that share the folder serves them, even if a lock of
// one node does not exclude the others. A lease is a file serve.lease.G in the home, created exclusively and so by one guardian
// only; G is its generation. Its owner writes a growing number into it. A guardian that sees the number unchanged for
// `patience` may create the file of the next generation. An owner that sees a newer generation, or its own file gone, has lost
// the data. Used by the guardian, after it has the lock against other guardians of its own node.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace stint {

class DataLease {
 public:
  struct Owner {
    std::string host;
    std::string boot;  ///< of the kernel: a process that has the lock knows that another owner of the same boot is gone
    std::int64_t pid = 0;
    static Owner here();
  };
  static constexpr double default_patience = 10;  ///< seconds

  /// Waits until the lease of another node expires; `on_wait` is called once if that takes long. Throws Error(board)
  /// if that node renews it, or if the folder cannot be written.
  DataLease(std::filesystem::path home, Owner owner, double patience = default_patience,
            const std::function<void(const std::string& line)>& on_wait = nullptr);
  ~DataLease();  ///< releases the lease
  DataLease(const DataLease&) = delete;
  DataLease& operator=(const DataLease&) = delete;

  /// Renews the lease; call it much more often than once in `patience`. False: another guardian has the data.
  [[nodiscard]] bool renew();

  /// The previous owner was on another node and did not release the lease: its server may still write to its files.
  [[nodiscard]] bool taken_over() const { return taken_over_; }

 private:
  [[nodiscard]] std::filesystem::path file(std::uint64_t generation) const;
  [[nodiscard]] std::uint64_t newest() const;  // 0: there is none
  [[nodiscard]] std::string text() const;

  const std::filesystem::path home_;
  const Owner owner_;
  std::uint64_t generation_ = 0;
  std::uint64_t beat_ = 0;
  bool taken_over_ = false;
};

/// Whether a guardian on another host has the lease, alive or not.
bool held_elsewhere(const std::filesystem::path& home);

/// If the data were taken over, copies them, so that the server has its own files: a server on a lost node may still write to
/// the old ones. Also completes a copy that a killed guardian had begun here.
void part_from_old_files(const std::filesystem::path& data, bool taken_over);

}  // namespace stint
