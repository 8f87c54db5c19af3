// SPDX-License-Identifier: Apache-2.0
// The limit for `synthetic --work spin --seconds SECONDS --chunks CHUNKS`: the same kernel in a plain OpenMP loop.
// Prints the wall time in seconds.
//
//     plain_kernel THREADS CHUNKS SECONDS
#include <stint/options.hpp>

#include "synthetic.hpp"

#include <chrono>
#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: plain_kernel THREADS CHUNKS SECONDS\n", stderr);
    return 2;
  }
  try {
    const auto threads = static_cast<int>(stint::parse_count(argv[1]));
    const std::uint64_t chunks = stint::parse_count(argv[2]);
    const double seconds = stint::parse_number(argv[3]);
    const auto begin = std::chrono::steady_clock::now();
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) spin(seconds);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    std::printf("%.6f\n", taken.count());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "plain_kernel: %s\n", error.what());
    return 2;
  }
}
