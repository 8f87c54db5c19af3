// SPDX-License-Identifier: Apache-2.0
// Who a worker is: what it writes on the board when it joins, and by which others see that it is gone for certain.
#pragma once

#include <cstdint>
#include <string>

namespace stint {

struct Whereabouts {
  std::string host;
  std::string boot;        ///< boot id of the kernel and its pid namespace
  std::int64_t pid = 0;
  std::uint64_t start = 0; ///< start time of the process, in clock ticks since boot
  int rank = 0;
  std::string world;       ///< id of its world
  int threads = 1;
  double lease = 10;       ///< seconds that it may be silent, as wished: see policy::lease_seconds
  std::string version;     ///< of Stint
  bool guest = false;      ///< its world joined a run that others compute: it prints nothing
  std::string batch_job;   ///< of Slurm, by cluster and number (in an array: by those of array and task); empty: none
  int batch_restart = 0;   ///< how often it has been requeued

  [[nodiscard]] std::string json() const;
  /// Of this process; rank, world and threads are the caller's to fill in.
  static Whereabouts here();
};

/// Whether a worker says that it is a guest.
bool is_guest(const std::string& json);

/// The world that a worker says it is of.
std::string world_of(const std::string& json);

/// True only if the worker ran on this host, in this boot and pid namespace, and its process is no more; or if it is of
/// this very batch job before it was requeued: a batch system starts a job again when it has ended it, or its node.
bool known_gone(const std::string& json, const Whereabouts& here);

/// True only if the process is known to live: it is on this host, in this boot and pid namespace.
bool known_alive(const std::string& json, const Whereabouts& here);

/// When a process of this host began, in ticks since boot; 0: there is none, or a dead one that nobody has waited for.
std::uint64_t process_start(std::int64_t pid);

/// `host/rank.random`: what a worker that joins is called.
std::string new_worker_id(const Whereabouts& here);

}  // namespace stint
