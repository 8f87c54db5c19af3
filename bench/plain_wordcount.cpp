// SPDX-License-Identifier: Apache-2.0
// The limit for the job `wordcount`: the same words by the same table in a plain C++ program. Threads take blocks of
// 1 MiB from one counter, each counts into one table for the whole run, and the tables are merged at the end; nothing
// is written down on the way, so nothing survives a crash. Prints what `stint run wordcount` prints; the time, on
// stderr.
//
//     plain_wordcount THREADS FILE|DIR…
#include <stint/input.hpp>

#include "wordcount.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <thread>
#include <vector>

namespace {

class Stdout final : public stint::Output {
 public:
  std::ostream& text() override { return std::cout; }
  std::ostream& file(const std::string&) override { return std::cout; }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: plain_wordcount THREADS FILE|DIR…\n", stderr);
    return 2;
  }
  try {
    const auto begin = std::chrono::steady_clock::now();
    const stint::Pieces blocks = stint::pieces(stint::Inputs({argv + 2, argv + argc}), 1 << 20);
    std::vector<words::WordCounts> counts(stint::parse_count(argv[1]));
    std::vector<std::exception_ptr> errors(counts.size());
    std::atomic<std::uint64_t> next{0};
    std::vector<std::thread> threads;
    for (std::size_t thread = 0; thread < counts.size(); ++thread) {
      threads.emplace_back([&, thread] {
        try {
          stint::RecordReader reader;
          words::WordTable table;
          for (std::uint64_t block = next++; block < blocks.size(); block = next++) {
            for (const stint::Span& span : blocks[block]) {
              reader.open(span);
              for (auto text = reader.next(); !text.empty(); text = reader.next()) table.count(text);
            }
          }
          counts[thread] = table.take();
        } catch (...) {
          errors[thread] = std::current_exception();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::exception_ptr& error : errors) {
      if (error) std::rethrow_exception(error);
    }
    words::WordCounts all;
    for (words::WordCounts& part : counts) all.merge(std::move(part));
    Stdout output;
    Wordcount().finish(all, output);
    std::cout.flush();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    std::uint64_t bytes = 0;
    for (const stint::InputFile& file : blocks.files()) bytes += file.size;
    std::fprintf(stderr, "%.3f s, %.1f MB/s\n", taken.count(), static_cast<double>(bytes) / taken.count() / 1e6);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "plain_wordcount: %s\n", error.what());
    return 2;
  }
}
