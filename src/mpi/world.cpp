// SPDX-License-Identifier: Apache-2.0
#include "mpi/world.hpp"

#include "base/error.hpp"
#include "base/program.hpp"
#include "base/watchdog.hpp"
#include "mpi/slurm_step.hpp"

#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace stint::mpi {
namespace {

const char* first_of(std::initializer_list<const char*> names) {
  for (const auto* name : names) {
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  }
  return nullptr;
}

constexpr std::size_t most_bytes = 64 << 10;  // of a broadcast: one message, so that no rank waits for a second one

void check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error(Exit::interrupted, std::string(call) + " failed: " + text + "; the same command starts again");
}

// Polls: with recovery on, a blocking call would wait for ever for a rank 0 that died.
void complete(MPI_Request& request, std::chrono::steady_clock::time_point end) {
  int done = 0;
  for (int round = 0;; ++round) {
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done != 0) return;
    if (std::chrono::steady_clock::now() > end) {
      throw Error(Exit::interrupted,
                  "rank 0 did not tell the address of the blackboard in time; the same command starts again");
    }
    std::this_thread::sleep_for(std::chrono::microseconds(round < 100 ? 50 : 2000));
  }
}

// With PMI-2 from srun, Open MPI would make each rank a world of its own.
bool under_mpi() {
  if (first_of({"OMPI_COMM_WORLD_SIZE"}) != nullptr) return true;
  if (in_slurm_terminal()) return false;
  return first_of({"PMIX_RANK"}) != nullptr || (first_of({"PMI_RANK"}) != nullptr && !slurm_step());
}

}  // namespace

bool under_launcher() { return under_mpi() || slurm_step(); }

int rank_from_environment() {
  if (!under_mpi()) {
    const auto step = slurm_step();
    return step ? step->rank : 0;
  }
  const char* rank = first_of({"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"});
  return rank != nullptr ? std::atoi(rank) : 0;
}

int major_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  MPI_Get_library_version(text, &length);
  int major = 4;
  std::sscanf(text, "Open MPI v%d", &major);
  return major;
}

bool one_host() {
  const char* size = first_of({"OMPI_COMM_WORLD_SIZE"});
  const char* here = first_of({"OMPI_COMM_WORLD_LOCAL_SIZE"});
  return size != nullptr && here != nullptr && std::string_view(size) == here &&
         first_of({"OMPI_COMM_WORLD_LOCAL_RANK"}) != nullptr;
}

World World::without_mpi() {
  World world;
  world.rank_ = rank_from_environment();
  world.rank_here_ = std::atoi(first_of({"OMPI_COMM_WORLD_LOCAL_RANK"}));
  world.size_ = world.ranks_here_ = std::atoi(first_of({"OMPI_COMM_WORLD_SIZE"}));
  return world;
}

World::World(World&& other) noexcept
    : rank_(other.rank_), size_(other.size_), ranks_here_(other.ranks_here_), rank_here_(other.rank_here_), hosts_(other.hosts_),
      initialised_(std::exchange(other.initialised_, false)) {}

World::World(double init_seconds) {
  if (!under_mpi()) {
    if (const auto step = slurm_step()) {
      rank_ = step->rank;
      size_ = step->size;
      rank_here_ = step->rank_here;
      ranks_here_ = step->ranks_here;
      hosts_ = step->nodes;
    }
    return;
  }
  int provided = 0;
  // A rank that dies in MPI_Init leaves the others waiting there.
  const Watchdog watchdog(init_seconds,
                          "MPI_Init did not come back within " + std::to_string(static_cast<int>(init_seconds)) +
                              " s: another rank was lost in it, or the hosts do not reach each other; " + typed("doctor") +
                              " tries it out; the same command starts again",
                          static_cast<int>(Exit::interrupted));
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  if (provided < MPI_THREAD_FUNNELED) {
    throw Error(Exit::usage, "this MPI was built without threads, Stint needs MPI_THREAD_FUNNELED; use another build");
  }
  initialised_ = true;
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
  MPI_Comm here = MPI_COMM_NULL;
  if (MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here) == MPI_SUCCESS &&
      here != MPI_COMM_NULL) {
    MPI_Comm_rank(here, &rank_here_);
    MPI_Comm_size(here, &ranks_here_);
    MPI_Comm_free(&here);
  }
  // Split the ranks into one a host and the rest: the size of the first group is the number of hosts.
  MPI_Comm firsts = MPI_COMM_NULL;
  if (MPI_Comm_split(MPI_COMM_WORLD, rank_here_ == 0 ? 0 : 1, rank_, &firsts) == MPI_SUCCESS && firsts != MPI_COMM_NULL) {
    if (rank_here_ == 0) MPI_Comm_size(firsts, &hosts_);  // on other ranks it stays 1: they never use it
    MPI_Comm_free(&firsts);
  }
}

World::~World() { finalize(); }

void World::finalize() {
  if (!initialised_) return;
  initialised_ = false;
  MPI_Finalize();
}

std::string World::broadcast(const std::string& text, double bound) {
  if (size_ == 1) return text;
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(bound));
  if (text.size() >= most_bytes) {
    throw Error(Exit::usage, "the address of the blackboard has " + std::to_string(text.size()) + " bytes, more than ranks can be sent");
  }
  buffer_.assign(most_bytes, '\0');
  if (rank_ == 0) text.copy(buffer_.data(), text.size());
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Ibcast(buffer_.data(), static_cast<int>(most_bytes), MPI_CHAR, 0, MPI_COMM_WORLD, &request), "MPI_Ibcast");
  complete(request, end);
  return buffer_.data();
}

}  // namespace stint::mpi
