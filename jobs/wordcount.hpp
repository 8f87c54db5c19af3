// SPDX-License-Identifier: Apache-2.0
// How often each word occurs in many files: the example of a job that reads. A word is a maximal run of bytes other
// than ASCII white space, in any encoding. The output is `COUNT<TAB>WORD`, by descending count and
// then by bytes. word_counts.hpp does the work on words.
#pragma once

#include <stint/stint.hpp>

#include "word_counts.hpp"

#include <cstdint>
#include <vector>

struct Wordcount {
  static constexpr auto name = "wordcount";
  static constexpr auto about = "count the words of files";
  static constexpr auto version = "1";

  stint::Inputs inputs;
  std::uint64_t top = 20;
  std::uint64_t chunk_bytes = 0;
  bool fold_case = false;

  struct Scratch {
    stint::RecordReader reader;
    words::WordTable table;
  };

  void options(stint::Options& options);
  stint::Pieces plan(const stint::Context& context) const;
  Scratch scratch(const stint::Context&) const { return {}; }
  words::WordCounts compute(const std::vector<stint::Span>& spans, const stint::Context& context,
                            Scratch& scratch) const;
  void reduce(words::WordCounts& left, words::WordCounts right) const { left.merge(std::move(right)); }
  words::WordCounts empty() const { return {}; }
  void finish(const words::WordCounts& counts, stint::Output& output) const;
};
