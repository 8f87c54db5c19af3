// SPDX-License-Identifier: Apache-2.0
// The identity of a worker: written on the board when it joins; other ranks use it to see that the worker is gone.
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
  double lease = 10;       ///< seconds that it may be silent, as its user set it: see policy::lease_seconds
  std::string version;     ///< of Stint
  bool guest = false;      ///< its world joined a run that another world owns: it prints nothing
  std::string batch_job;   ///< in Slurm: cluster and job number (of each task in an array); empty: none
  int batch_restart = 0;   ///< how often the batch job was requeued

  [[nodiscard]] std::string json() const;
  /// Of this process. The caller sets rank, world and threads.
  static Whereabouts here();
};

/// Whether the worker belongs to a guest world.
bool is_guest(const std::string& json);

/// The id of the worker's world.
std::string world_of(const std::string& json);

/// True only if the worker ran on this host, in this boot and pid namespace, and its process is gone; or if it belongs to
/// this batch job before a requeue: a batch system starts a job again only after it has ended the job, or lost its node.
bool known_gone(const std::string& json, const Whereabouts& here);

/// True only if the process is known to live: on this host, in this boot and pid namespace.
bool known_alive(const std::string& json, const Whereabouts& here);

/// The start time of a process of this host, in ticks since boot; 0: there is none, or it is a zombie.
std::uint64_t process_start(std::int64_t pid);

/// A new worker id: `host/rank.random`.
std::string new_worker_id(const Whereabouts& here);

}  // namespace stint
