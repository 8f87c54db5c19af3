// SPDX-License-Identifier: Apache-2.0
// The source of the commands: a FILE of them, or a COMMAND whose values are after `:::`, in files, or on standard
// input, which only this code reads.
//
//   no word              the list is standard input
//   FILE, -              the list, if there is such a file, or no such program
//   COMMAND              its values are the lines of standard input
//   COMMAND ::: VALUE…   and the other separators of GNU parallel
//   --each FILE …        as `:::: FILE` before all other sources; each occurrence is another source
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
  bool ends_in_nul = false; ///< values and commands end in NUL, not in a line end

  /// The files that `read` reads. Throws BadInput for words that are neither a file nor a command.
  [[nodiscard]] std::vector<std::string> paths() const;

  struct Read {
    CommandList list;
    bool is_there = true;  ///< false: a text that can be read only once is not available in this call
    std::string missing = {};  ///< the error if the user gave no commands or values; empty: none
  };
  /// Throws BadInput, or std::invalid_argument if a text is not such a list.
  [[nodiscard]] Read read() const;

  /// The template that makes a command of its values; none: the list has whole commands.
  [[nodiscard]] std::optional<Template> command() const;

 private:
  [[nodiscard]] bool has_sources() const;
  [[nodiscard]] std::vector<std::string> words_with_each() const;
  [[nodiscard]] std::optional<std::string> list() const;
};

}  // namespace stint::commands
