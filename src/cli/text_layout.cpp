// SPDX-License-Identifier: Apache-2.0
#include "cli/text_layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sys/ioctl.h>
#include <unistd.h>

namespace stint {
namespace {

constexpr std::string_view ellipsis = "…";
constexpr std::size_t column_gap = 2;

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

std::string padded(const std::string& text, std::size_t width, bool right) {
  const auto missing = width - std::min(width, text_width(text));
  return right ? std::string(missing, ' ') + text : text + std::string(missing, ' ');
}

std::vector<std::size_t> widths_of(const std::vector<std::vector<std::string>>& rows, std::size_t columns) {
  std::vector<std::size_t> widths(columns);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], text_width(row[i]));
  }
  return widths;
}

std::size_t total(const std::vector<std::size_t>& widths) {
  std::size_t sum = widths.empty() ? 0 : column_gap * (widths.size() - 1);
  for (const auto width : widths) sum += width;
  return sum;
}

// Shortens the columns that may be shortened, from the left. True: the table then fits.
bool shrink(const std::vector<Column>& columns, std::vector<std::size_t>& widths, std::size_t width) {
  for (std::size_t i = 0; i < columns.size() && total(widths) > width; ++i) {
    if (columns[i].least == 0) continue;
    const auto room = widths[i] - std::min(widths[i], columns[i].least);
    widths[i] -= std::min(room, total(widths) - width);
  }
  return total(widths) <= width;
}

}  // namespace

int stdout_columns() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 0) return 0;
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::size_t text_width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

std::string printable(std::string_view text) {
  std::string clean;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n' || c == '\t' || c == '\r') {
      clean += ' ';
    } else if (byte < 0x20 || byte == 0x7f) {
      clean += fmt::format("\\x{:02x}", byte);
    } else {
      clean += c;
    }
  }
  return clean;
}

std::string shortened(std::string_view text, std::size_t width) {
  if (text_width(text) <= width) return std::string(text);
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end) {
    if (begins_character(text[end]) && ++seen == std::max<std::size_t>(width, 1)) break;
  }
  return std::string(text.substr(0, end)) + std::string(ellipsis);
}

std::string fitted(const std::string& line) {
  const int width = stdout_columns();
  return width > 0 ? shortened(line, static_cast<std::size_t>(width)) : line;
}

std::string table(std::vector<Column> columns, std::vector<std::vector<std::string>> rows, int width) {
  std::vector<std::string> titles;
  for (const auto& column : columns) titles.push_back(column.title);
  rows.insert(rows.begin(), titles);
  auto widths = widths_of(rows, columns.size());
  while (width > 0 && !shrink(columns, widths, static_cast<std::size_t>(width))) {
    const auto first = std::ranges::max_element(columns, {}, &Column::drop);
    if (first->drop == 0) break;
    const auto at = first - columns.begin();
    columns.erase(first);
    for (auto& row : rows) row.erase(row.begin() + at);
    widths = widths_of(rows, columns.size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      line += padded(columns[i].shorten(row[i], widths[i]), widths[i], columns[i].right) + std::string(column_gap, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

}  // namespace stint
