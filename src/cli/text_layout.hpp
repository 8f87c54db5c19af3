// SPDX-License-Identifier: Apache-2.0
// Text for people: tables that fit the terminal, and words of users without bytes that a terminal would obey.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace stint {

/// Columns of the terminal on stdout; 0: stdout is not a terminal, and nothing is shortened.
int stdout_columns();

/// Characters of a UTF-8 text.
std::size_t text_width(std::string_view text);

/// On one line, without control characters: line ends and tabs become spaces, others \xNN.
std::string printable(std::string_view text);

/// At most `width` characters; what is cut ends with "…".
std::string shortened(std::string_view text, std::size_t width);

/// A line, shortened to the terminal on stdout if it is one.
std::string fitted(const std::string& line);

struct Column {
  std::string title;
  bool right = false;     ///< numbers
  std::size_t least = 0;  ///< characters to which it may be shortened; 0: never
  std::function<std::string(const std::string&, std::size_t)> shorten = shortened;  ///< to a width
  int drop = 0;           ///< left out if the table is too wide, the highest number first; 0: never
};

/// Rows under their titles, two spaces between columns, no trailing spaces. `columns`: width to fit into; 0: any. First the
/// columns with `least` are shortened, from the left; then columns are left out.
std::string table(std::vector<Column> columns, std::vector<std::vector<std::string>> rows, int width);

}  // namespace stint
