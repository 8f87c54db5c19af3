// SPDX-License-Identifier: Apache-2.0
// The ranks of one mpirun or srun. The only place that uses MPI: to launch, for rank and size, and for
// one broadcast at the start; between that and finalize() there is no MPI call. There is none at all under an srun without
// PMIx, and if all ranks are on one host and share a folder instead. Not thread-safe.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace stint::mpi {

/// Whether this process is a rank of an mpirun or of a step of srun.
bool under_launcher();
/// Of Open MPI: 4, 5, …
int major_version();
/// The rank in the launcher's environment, before MPI is initialised; 0 without a launcher.
int rank_from_environment();
/// Whether all ranks are on this host, by mpirun's environment.
bool one_host();

class World {
 public:
  /// Without a launcher: a world of one, without MPI. In a step of srun without PMIx: without MPI. Ends the process with exit
  /// code 75 if MPI_Init takes longer than `init_seconds`.
  explicit World(double init_seconds);
  /// The same ranks without MPI, if one_host(): they communicate in another way.
  static World without_mpi();
  ~World();
  World(World&& other) noexcept;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] int rank_here() const { return rank_here_; }  ///< among the ranks of this host, from 0
  [[nodiscard]] int ranks_here() const { return ranks_here_; }  ///< on this host
  [[nodiscard]] int hosts() const { return hosts_; }
  [[nodiscard]] bool speaks() const { return size_ == 1 || initialised_; }  ///< whether broadcast() reaches the other ranks
  /// Returns rank 0's text on all ranks, at most 64 KiB. Throws Error(interrupted) after `bound` seconds, and if MPI fails.
  std::string broadcast(const std::string& text, double bound);
  /// Finalizes MPI; no MPI call after this.
  void finalize();

 private:
  World() = default;

  int rank_ = 0;
  int size_ = 1;
  int ranks_here_ = 1;
  int rank_here_ = 0;
  int hosts_ = 1;
  bool initialised_ = false;
  std::vector<char> buffer_;  // of a broadcast; MPI may still use it after the timeout
};

}  // namespace stint::mpi
