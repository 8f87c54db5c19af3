// SPDX-License-Identifier: Apache-2.0
#include "wordcount.hpp"

#include <algorithm>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

void fold(std::span<char> block) {
  for (char& c : block) c = static_cast<char>(c + ((static_cast<unsigned char>(c - 'A') < 26) << 5));
}

}  // namespace

void Wordcount::options(stint::Options& options) {
  options.add_files(inputs, "text files, and directories of them");
  options.add_files_from("files-from", inputs, "a file that names more of them, one a line");
  options.add("top", top, "print so many words; 0: all", stint::OptionKind::result);
  options.add_bytes("chunk-size", chunk_bytes, "bytes a chunk; 0: chosen by the size of the input");
  options.add("fold-case", fold_case, "take the letters A to Z for a to z");
}

stint::Pieces Wordcount::plan(const stint::Context&) const {
  if (chunk_bytes != 0) return stint::pieces(inputs, chunk_bytes);
  // Every chunk brings its whole vocabulary to the merges, and a vocabulary grows far slower than its text: so few, large
  // chunks, but enough of them for many threads to end together.
  std::uint64_t total = 0;
  for (const stint::InputFile& file : inputs.files()) total += file.size;
  return stint::pieces(inputs, std::clamp(total / 64, std::uint64_t{1} << 20, std::uint64_t{64} << 20));
}

words::WordCounts Wordcount::compute(const std::vector<stint::Span>& spans, const stint::Context& context,
                                     Scratch& scratch) const {
  static_assert(stint::RecordReader::padding >= words::WordTable::padding);
  scratch.table.clear();  // counts that an exception left behind
  for (const stint::Span& span : spans) {
    scratch.reader.open(span);
    for (auto block = scratch.reader.next(); !block.empty(); block = scratch.reader.next()) {
      if (context.stop_requested()) throw std::runtime_error("stopped");
      if (fold_case) fold(block);
      scratch.table.count(block);
    }
  }
  return scratch.table.take();
}

void Wordcount::finish(const words::WordCounts& counts, stint::Output& output) const {
  std::vector<const words::Entry*> order;
  order.reserve(counts.size());
  for (const words::Entry& entry : counts.entries()) order.push_back(&entry);
  const std::size_t shown = top == 0 ? order.size() : std::min<std::uint64_t>(top, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(),
                    [&](const words::Entry* a, const words::Entry* b) {
                      return a->count != b->count ? a->count > b->count : counts.text(*a) < counts.text(*b);
                    });
  order.resize(shown);
  std::ostream& text = output.text();
  std::string line;
  for (const words::Entry* entry : order) {
    line = std::to_string(entry->count);
    line += '\t';
    line += counts.text(*entry);
    line += '\n';
    text.write(line.data(), static_cast<std::streamsize>(line.size()));
  }
}
