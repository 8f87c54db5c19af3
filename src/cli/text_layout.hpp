// SPDX-License-Identifier: Apache-2.0
// Text for people: tables that fit the terminal, and users' words without bytes that would control a terminal.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace stint {

/// Columns of the terminal on stdout; 0: stdout is not a terminal, and text is not shortened.
int stdout_columns();

/// The number of characters of a UTF-8 text.
std::size_t text_width(std::string_view text);

/// The text on one line, without control characters: line ends and tabs become spaces, others \xNN.
std::string printable(std::string_view text);

/// At most `width` characters; a shortened text ends with "…".
std::string shortened(std::string_view text, std::size_t width);

/// A line, shortened to the terminal if stdout is one.
std::string fitted(const std::string& line);

struct Column {
  std::string title;
  bool right = false;     ///< numbers
  std::size_t least = 0;  ///< minimum of characters when shortened; 0: never shortened
  std::function<std::string(const std::string&, std::size_t)> shorten = shortened;  ///< to a width
  int drop = 0;           ///< omitted if the table is too wide, the highest number first; 0: never
};

/// Rows under their titles, two spaces between columns, no trailing spaces. `width`: to fit into; 0: any. First shortens the
/// columns with `least`, from the left; then omits columns.
std::string table(std::vector<Column> columns, std::vector<std::vector<std::string>> rows, int width);

}  // namespace stint
