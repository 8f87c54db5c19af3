// SPDX-License-Identifier: Apache-2.0
// Where the commands come from: a FILE of them, or a COMMAND whose values stand behind `:::`, in files, or on standard
// input, which nothing but this reads.
//
//   no word              the list is standard input
//   FILE, -              the list, where there is such a file or no such program
//   COMMAND              its values are the lines of standard input
//   COMMAND ::: VALUE…   and the other separators of GNU parallel
//   --each FILE …        as `:::: FILE` before all other sources; each time it is given a source of its own
#pragma once

#include "arguments.hpp"
#include "command_list.hpp"

#include <optional>
#include <string>
#include <vector>

namespace stint::commands {

struct CommandSource {
  std::vector<std::string> words;
  std::vector<std::string> each;  ///< files of values
  bool ends_in_nul = false; ///< what is read, and not in lines

  /// The files that `read` reads. Throws BadInput for words that are neither.
  [[nodiscard]] std::vector<std::string> paths() const;

  struct Read {
    CommandList list;
    bool is_there = true;  ///< false: what can be read only once was not there this time
    std::string missing = {};  ///< not empty: the user has forgotten the values, and this is to be said of it
  };
  /// Throws BadInput, or std::invalid_argument for a text that holds no such list.
  [[nodiscard]] Read read() const;

  /// What makes a command of its values; none: the list holds whole commands.
  [[nodiscard]] std::optional<Template> command() const;

 private:
  [[nodiscard]] bool has_sources() const;
  [[nodiscard]] std::vector<std::string> words_with_each() const;
  [[nodiscard]] std::optional<std::string> list() const;
};

}  // namespace stint::commands
