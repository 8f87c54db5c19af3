// SPDX-License-Identifier: Apache-2.0
#include "sum.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

void Moments::add_to_sum(double number) {
  const double rounded = sum + number;
  // The smaller of the two lost digits. Beyond the largest double there is nothing to compensate.
  if (std::isfinite(rounded)) {
    compensation += std::fabs(sum) >= std::fabs(number) ? (sum - rounded) + number : (number - rounded) + sum;
  }
  sum = rounded;
}

void Moments::add(double number) {
  if (!std::isfinite(number)) {
    ++(std::isnan(number) ? nan : infinite);
    return;
  }
  ++count;
  add_to_sum(number);
  const double distance = number - mean;
  mean += distance / static_cast<double>(count);
  squares += distance * (number - mean);
  least = std::min(least, number);
  greatest = std::max(greatest, number);
}

void Moments::merge(const Moments& right) {
  nan += right.nan;
  infinite += right.infinite;
  if (right.count == 0) return;
  const double left_share = static_cast<double>(count) / static_cast<double>(count + right.count);
  const double right_share = static_cast<double>(right.count) / static_cast<double>(count + right.count);
  const double distance = right.mean - mean;
  squares += right.squares + distance * distance * left_share * static_cast<double>(right.count);
  mean = count == 0 ? right.mean : mean + distance * right_share;
  count += right.count;
  add_to_sum(right.sum);
  compensation += right.compensation;
  least = std::min(least, right.least);
  greatest = std::max(greatest, right.greatest);
}

double Moments::total() const { return std::isfinite(sum) ? sum + compensation : sum; }

double Moments::variance() const {
  return count < 2 ? std::numeric_limits<double>::quiet_NaN() : squares / static_cast<double>(count - 1);
}

std::uint64_t Sum::Plan::size() const {
  return numbers.empty() ? pieces.size() : stint::split(numbers.size(), numbers_in_chunk).size();
}

Sum::Item Sum::Plan::operator[](std::uint64_t chunk) const {
  if (numbers.empty()) return {pieces[chunk], {}};
  const stint::Range range = stint::split(numbers.size(), numbers_in_chunk)[chunk];
  return {{}, std::span(numbers).subspan(range.first, range.size())};
}

void Sum::options(stint::Options& options) {
  options.add_files(inputs, "files of numbers with white space between them", false);
  options.add_files_from("files-from", inputs, "a file that names more of them, one a line");
  options.add("numbers", numbers, "the numbers themselves, instead of files");
  options.add("chunk", numbers_in_chunk, "with --numbers: how many of them make a chunk");
  options.add_bytes("chunk-size", chunk_bytes, "with files: bytes a chunk; 0: chosen by the size of the input");
}

Sum::Plan Sum::plan(const stint::Context&) const {
  if (numbers.empty() == inputs.empty()) throw std::invalid_argument("give files, or --numbers, and not both");
  if (numbers_in_chunk == 0) throw std::invalid_argument("--chunk 0: a chunk has at least one number");
  if (!numbers.empty()) return {{}, numbers, numbers_in_chunk};
  return {stint::pieces(inputs, chunk_bytes), {}, 1};
}

namespace {

/// Part of a file's text, for an error of one line.
std::string shown(std::string_view text) {
  std::string line = "'";
  for (char c : text.substr(0, 40)) line += c >= ' ' && c <= '~' ? c : '?';
  return line + (text.size() > 40 ? "…'" : "'");
}

double number_of(std::string_view text, const std::string& path, std::uint64_t offset) {
  std::string_view digits = text;
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error == std::errc::result_out_of_range) {
    throw stint::BadInput(path, offset,
                          shown(text) + " is beyond the range of a double: write inf, or 0, if that is meant");
  }
  if (error != std::errc() || end != digits.data() + digits.size()) {
    throw stint::BadInput(path, offset, shown(text) + " is no number: mend it, or leave the file out");
  }
  return number;
}

}  // namespace

Moments Sum::compute(const Item& item, const stint::Context& context, stint::RecordReader& reader) const {
  Moments moments;
  for (double number : item.numbers) moments.add(number);
  for (const stint::Span& span : item.spans) {
    reader.open(span);
    for (auto block = reader.next(); !block.empty(); block = reader.next()) {
      if (context.stop_requested()) throw std::runtime_error("stopped");
      const char* const end = block.data() + block.size();
      for (const char* at = block.data(); at != end;) {
        if (stint::white_space.contains(*at)) {
          ++at;
          continue;
        }
        const char* const begin = at;
        while (at != end && !stint::white_space.contains(*at)) ++at;
        const auto offset = reader.offset() + static_cast<std::uint64_t>(begin - block.data());
        moments.add(number_of({begin, at}, span.file->path, offset));
      }
    }
  }
  return moments;
}

void Sum::finish(const Moments& moments, stint::Output& output) const {
  std::ostream& text = output.text();
  auto put = [&](const char* label, double value) {
    char digits[40];
    const auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, 17).ptr;
    text << label << '\t' << std::string_view(digits, end) << '\n';
  };
  const double none = std::numeric_limits<double>::quiet_NaN();
  const bool any = moments.count > 0;
  text << "count\t" << moments.count << '\n';
  put("sum", moments.total());
  put("mean", any ? moments.mean : none);
  put("variance", std::fabs(moments.variance()));  // drops the sign that some libraries give to NaN
  put("minimum", any ? moments.least : none);
  put("maximum", any ? moments.greatest : none);
  text << "nan\t" << moments.nan << '\n' << "inf\t" << moments.infinite << '\n';
}
