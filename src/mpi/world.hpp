// SPDX-License-Identifier: Apache-2.0
// The ranks of one mpirun or srun. The only place that knows MPI. MPI is used to launch, to know rank and size, and for
// one broadcast at the start; between that and finalize() there is no MPI call. Under an srun without PMIx there is
// none at all. Not thread-safe.
#pragma once

#include <functional>
#include <string>

namespace stint::mpi {

/// True inside mpirun or a step of srun: this process is a rank among others.
bool under_launcher();
/// Of Open MPI: 4, 5, …
int major_version();
/// Rank as the launcher's environment tells it, before MPI is initialised; 0 without a launcher.
int rank_from_environment();

class World {
 public:
  /// Without MPI when there is no launcher, a world of one, and in a step of srun without PMIx. Ends the process with
  /// 75 when MPI_Init takes longer.
  explicit World(double init_seconds);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] int rank_here() const { return rank_here_; }  ///< among those of this host, from 0
  [[nodiscard]] int ranks_here() const { return ranks_here_; }  ///< on this host
  [[nodiscard]] int hosts() const { return hosts_; }
  [[nodiscard]] bool speaks() const { return size_ == 1 || initialised_; }  ///< whether broadcast() reaches others
  /// Text of rank 0 to all, by MPI. Throws Error(interrupted) after `bound` seconds without it.
  std::string broadcast(const std::string& text, double bound);
  /// No MPI after this.
  void finalize();

 private:
  int rank_ = 0;
  int size_ = 1;
  int ranks_here_ = 1;
  int rank_here_ = 0;
  int hosts_ = 1;
  bool initialised_ = false;
};

}  // namespace stint::mpi
