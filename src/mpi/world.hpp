// SPDX-License-Identifier: Apache-2.0
// The ranks of one mpirun or srun. The only place that knows MPI. MPI is used to launch, to know rank and size, and for
// one broadcast at the start; between that and finalize() there is no MPI call. There is none at all under an srun without
// PMIx, and where the ranks are on one host and have another way to speak. Not thread-safe.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace stint::mpi {

/// True inside mpirun or a step of srun: this process is a rank among others.
bool under_launcher();
/// Of Open MPI: 4, 5, …
int major_version();
/// Rank as the launcher's environment tells it, before MPI is initialised; 0 without a launcher.
int rank_from_environment();
/// All ranks are on this host, as mpirun's environment says.
bool one_host();

class World {
 public:
  /// Without MPI when there is no launcher, a world of one, and in a step of srun without PMIx. Ends the process with 75 when
  /// MPI_Init takes longer.
  explicit World(double init_seconds);
  /// The same ranks without MPI, where one_host(): they speak to each other in another way.
  static World without_mpi();
  ~World();
  World(World&& other) noexcept;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] int rank_here() const { return rank_here_; }  ///< among those of this host, from 0
  [[nodiscard]] int ranks_here() const { return ranks_here_; }  ///< on this host
  [[nodiscard]] int hosts() const { return hosts_; }
  [[nodiscard]] bool speaks() const { return size_ == 1 || initialised_; }  ///< whether broadcast() reaches others
  /// Text of rank 0 to all, by MPI, at most 64 KiB. Throws Error(interrupted) after `bound` seconds without it, and when MPI fails.
  std::string broadcast(const std::string& text, double bound);
  /// No MPI after this.
  void finalize();

 private:
  World() = default;

  int rank_ = 0;
  int size_ = 1;
  int ranks_here_ = 1;
  int rank_here_ = 0;
  int hosts_ = 1;
  bool initialised_ = false;
  std::vector<char> buffer_;  // of a broadcast, which MPI may still use after its bound
};

}  // namespace stint::mpi
