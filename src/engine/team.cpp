// SPDX-License-Identifier: Apache-2.0
#include "engine/team.hpp"

#include "base/error.hpp"
#include "engine/crash_report.hpp"

#include <stint/detail/affinity.hpp>
#include <stint/error.hpp>

#include <omp.h>

#include <exception>
#include <functional>
#include <latch>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace stint {
namespace {

class Collected final : public Sink {
 public:
  explicit Collected(int attempt) : attempt_(attempt) {}
  void node(unsigned level, std::uint64_t index, Partial partial) override {
    nodes.emplace_back(Node{level, index}, std::move(partial));
  }
  void failed(std::uint64_t chunk, std::string error, std::string detail) override {
    failures.push_back({chunk, attempt_, std::move(error), std::move(detail)});
  }
  std::vector<std::pair<Node, Partial>> nodes;
  std::vector<ChunkFailure> failures;

 private:
  int attempt_;
};

[[noreturn]] void refuse_threads(int threads, const std::system_error& error) {
  throw Error(Exit::interrupted, "cannot start " + std::to_string(threads) + " threads: " + error.code().message() +
                                     "; raise the user's limit of processes (ulimit -u), or give fewer --threads");
}

// libgomp ends the process if it cannot start a thread, without a message of Stint's: so the threads are tried before.
void try_threads(int threads) {
  std::latch all_tried(1);
  std::vector<std::jthread> tried;
  try {
    for (int number = 1; number < threads; ++number) tried.emplace_back([&] { all_tried.wait(); });
  } catch (const std::system_error& error) {
    all_tried.count_down();
    refuse_threads(threads, error);
  }
  all_tried.count_down();
}

// Starts all threads of the team; each does `work(number)`. `plain`: not OpenMP's threads, since OpenMP's variables in the
// environment may be meant for the programs that the job starts.
template <class Work>
void at_once(int threads, bool plain, Work work, const std::function<void()>& give_up) {
#if defined(__SANITIZE_THREAD__)
  plain = true;  // the thread sanitizer does not see what libgomp's threads wait for, and would report false races
#endif
  if (!plain) {
    try_threads(threads);
#pragma omp parallel num_threads(threads)
    work(omp_get_thread_num());
    return;
  }
  restore_affinity();
  std::vector<std::jthread> team;
  try {
    for (int number = 1; number < threads; ++number) team.emplace_back(work, number);
  } catch (const std::system_error& error) {
    give_up();
    refuse_threads(threads, error);
  }
  work(0);
}

void work_off(Workload& workload, const AnyJob& job, RunFacts facts, int number) {
  const TeamThread here(number);
  auto& at_work = AtWork::note(number);
  facts.at_work = &at_work;
  facts.slot += number;
  facts.tell = [&](std::string_view what) { workload.tell(&at_work, what); };
  Scratch scratch;
  while (auto block = workload.take(&at_work)) {
    if (facts.stop != nullptr && *facts.stop) {
      workload.abandon(*block);  // a block started now would only be left
      continue;
    }
    if (!scratch) {
      const JobStep step("scratch");
      scratch = job.scratch(Context(facts, block->chunks.first));
    }
    Collected made(block->attempt);
    try {
      job.compute(block->chunks, block->attempt, facts, *scratch, made);
    } catch (const BadInput&) {
      throw;
    } catch (...) {
      // If no stop was requested, the job's reduce failed: the run cannot continue.
      if (facts.stop == nullptr || !*facts.stop) throw;
      workload.abandon(*block, std::move(made.nodes));
      continue;
    }
    at_work = AtWork::nothing;
    workload.put(*block, std::move(made.nodes), std::move(made.failures));
  }
}

}  // namespace

void run_team(Workload& workload, const AnyJob& job, const RunFacts& facts) {
  RunFacts inside = facts;
  if (job.parallel_chunks()) {
    try_threads(facts.threads);
    omp_set_num_threads(facts.threads);
    work_off(workload, job, inside, 0);
    return;
  }
  inside.threads = 1;
  std::exception_ptr error;
  std::mutex mutex;
  const auto work = [&](int number) {
    try {
      work_off(workload, job, inside, number);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
      workload.close();
    }
  };
  at_once(facts.threads, job.side_effects(), work, [&] { workload.close(); });
  if (error) std::rethrow_exception(error);
}

}  // namespace stint
