// SPDX-License-Identifier: Apache-2.0
// What to run: turns the words of `stint run commands`, lists and templates into the list of commands, in the sense and
// the spelling of GNU parallel (its release 20221122 is what tests/unit/commands_arguments_test.cpp compares with).
// Only text goes in and out, and nothing is run or opened here. The job `commands` calls it, in the order below.
// Every refusal is a std::invalid_argument of one line.
//
// Knowingly other than GNU parallel: `{= perl =}`, a list with a NUL byte and a second standard input are refused; a lone
// `:::` without values is no commands, where GNU parallel would read standard input; and {/} of a value with line ends in it,
// which `parse_words` never gives, is what follows the last slash.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stint::commands {

/// The values of one `:::`, or of one file after `::::`.
struct Source {
  std::vector<std::string> values;  ///< any may be empty
  bool linked = false;              ///< `:::+`, `::::+`: goes along with the source before it
  bool operator==(const Source&) const = default;
};

struct Words {
  std::vector<std::string> command;  ///< empty: the values themselves are the commands
  std::vector<Source> sources;       ///< empty: there was no `:::` and no file; GNU parallel then reads standard input
  bool operator==(const Words&) const = default;
};

/// The content of the file at `path`; `-` is the standard input, and is asked for once at most.
using ReadList = std::function<std::string(const std::string& path)>;

/// Splits words at `:::`, `:::+`, `::::` and `::::+`. After the latter two each word is a file and a source of its own.
/// A line is a value: an empty one too, and a `\r` stays. As in GNU parallel, a word after `:::` that has line ends in
/// it is several values. `end`: what ends a value instead, a NUL byte for --null.
Words parse_words(const std::vector<std::string>& words, const ReadList& read_list, char end = '\n');

/// The values of a text, one a line; the last line need not end. Refuses a NUL byte where that ends none; `name` says
/// where it is.
std::vector<std::string> list_of_values(std::string_view text, std::string_view name, char end = '\n');

/// Each way to take one value of each source; the last source changes fastest. Linked sources go in step with the one
/// before, as far as the shortest of them. An empty source counts as one empty value, unless all are empty: then there
/// is nothing to run. All are in memory at once: it is for the caller to bound their number.
std::vector<std::vector<std::string>> combinations(const std::vector<Source>& sources);

/// `argument` as one word of a command for sh, bash or dash: the bytes that GNU parallel gives.
std::string quote(std::string_view argument);

/// A command with replacement strings:
///   {} the value   {.} without its extension   {/} without its folder   {//} its folder   {/.} without both
///   {#} the number of the command   {%} the slot in which it runs
///   {2} {2.} {2/} {2//} {2/.} of the second source, {-1} of the last; without a number: of all, with blanks between.
/// Without any, ` {}` is put at the end. `{other}` stays as it is; the value of a source that is not there is nothing.
/// Values are quoted, except when the command begins with one ("{} -v", "./{}.sh"): then they are shell text.
class Template {
 public:
  /// The words are joined by single blanks. Refuses `{= perl =}`.
  explicit Template(const std::vector<std::string>& command);

  /// The command for one combination of values; `number` counts from 1. A slot is known only once the command is about
  /// to run: expand it there, and give the slot. Without it `{%}` stays as it is, and cannot be told any more from a
  /// `{%}` in a value, so do not replace it afterwards.
  [[nodiscard]] std::string expand(const std::vector<std::string>& arguments, std::uint64_t number,
                                   std::string_view slot = "{%}") const;

  /// The same as the words of a program, each value as it is; none where the words of the template itself need a shell.
  /// What the values hold does not matter.
  [[nodiscard]] std::optional<std::vector<std::string>> words(const std::vector<std::string>& arguments,
                                                              std::uint64_t number, std::string_view slot) const;

  /// Whether the slot is asked for.
  [[nodiscard]] bool uses_slot() const;

 private:
  enum class Kind { text, value, no_extension, no_folder, folder, no_folder_no_extension, number, slot };
  struct Part {
    Kind kind = Kind::text;
    std::string text;                         ///< of Kind::text
    std::optional<std::int64_t> source = {};  ///< as written, from 1, below 0 from the end; none: all of them
  };
  static std::optional<Part> replacement(std::string_view inside);
  static std::string changed(const std::string& value, Kind kind);
  static std::vector<std::string> replaced(const Part& part, const std::vector<std::string>& arguments);

  std::vector<Part> parts_;
  bool quotes_ = true;
  bool needs_shell_ = true;
};

/// The commands of a plain file, one a line. Blank lines and those that begin with `#`, after blanks or not, are left
/// out. Refuses a NUL byte where that ends none.
std::vector<std::string> list_of_commands(std::string_view text, char end = '\n');

/// False only if sh, bash and dash would all run `command` as the program and the words that `plain_words` gives: no
/// quotes, nothing to replace, nothing that only a shell can do. True when in doubt, and for a blank command. It cannot
/// know functions which bash takes from the environment (`export -f`), nor whether there is such a program.
bool needs_shell(std::string_view command);

/// The words of a command that needs no shell.
std::vector<std::string> plain_words(std::string_view command);

}  // namespace stint::commands
