// SPDX-License-Identifier: Apache-2.0
// Who serves the data of a home: one guardian among all nodes that see the folder, also where a lock that one node
// holds is nothing to another. A lease is a file serve.lease.G in the home, made exclusively and so by one only; G is
// its generation. Its owner writes a number that grows into it. Who sees a number stand still for `patience` may make
// the file of the next generation; who sees a newer one, or its own gone, has lost the data. Used by the guardian,
// after it has the lock that keeps off others on its own node.
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
    std::string boot;  ///< of the kernel: with the lock in hand, another of the same boot is gone
    std::int64_t pid = 0;
    static Owner here();
  };
  static constexpr double default_patience = 10;  ///< seconds

  /// Waits for the lease of another node to run out; `on_wait` is told once, when that takes long. Throws Error(board)
  /// while that node renews it, and where the folder cannot be written.
  DataLease(std::filesystem::path home, Owner owner, double patience = default_patience,
            const std::function<void(const std::string& line)>& on_wait = nullptr);
  ~DataLease();  ///< gives it back
  DataLease(const DataLease&) = delete;
  DataLease& operator=(const DataLease&) = delete;

  /// The owner's sign of life; to be given far more often than once in `patience`. False: the data are another's.
  [[nodiscard]] bool renew();

  /// The owner before came from another node and did not give it back: it may still write to the files of its server.
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

/// Where the data were taken over, gives the server files of its own: what a server on a lost node still writes to the
/// old ones is not in these. Ends, too, what a guardian began here that was killed.
void part_from_old_files(const std::filesystem::path& data, bool taken_over);

}  // namespace stint
