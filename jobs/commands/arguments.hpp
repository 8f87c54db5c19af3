// SPDX-License-Identifier: Apache-2.0
// The list of commands: made of the words of `stint run commands`, lists and templates, in the sense and
// the spelling of GNU parallel (tests/unit/commands_arguments_test.cpp compares with its release 20221122).
// Text in, text out: nothing is run or opened here. The job `commands` calls the functions in the order below.
// Every refusal is a std::invalid_argument of one line.
//
// Deliberate differences from GNU parallel: `{= perl =}`, a list with a NUL byte and a second standard input are refused. A
// lone `:::` without values means no commands, where GNU parallel would read standard input. {/} of a value that contains
// line ends, which `parse_words` never returns, is the text after the last slash.
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
  std::vector<std::string> values;  ///< each may be empty
  bool linked = false;              ///< `:::+`, `::::+`: in step with the source before it
  bool operator==(const Source&) const = default;
};

struct Words {
  std::vector<std::string> command;  ///< empty: the values themselves are the commands
  std::vector<Source> sources;       ///< empty: there was no `:::` and no file, and GNU parallel would read standard input
  bool operator==(const Words&) const = default;
};

/// Returns the content of the file at `path`; `-` is standard input, and is passed at most once.
using ReadList = std::function<std::string(const std::string& path)>;

/// Splits words at `:::`, `:::+`, `::::` and `::::+`. After the latter two, each word is a file and its own source.
/// Each line is a value, also an empty one, and keeps its `\r`. As in GNU parallel, a word after `:::` that contains line
/// ends is several values. `end`: the byte that ends a value; NUL for --null.
Words parse_words(const std::vector<std::string>& words, const ReadList& read_list, char end = '\n');

/// The values of a text, one a line; the last line need not end. Refuses a NUL byte if `end` is another; `name` is the
/// text's name for the error.
std::vector<std::string> list_of_values(std::string_view text, std::string_view name, char end = '\n');

/// All combinations of one value from each source; the last source changes fastest. Linked sources advance with the source
/// before them, up to the shortest. An empty source counts as one empty value, unless all are empty: then there
/// are no combinations. All are in memory at once: the caller has to limit their number.
std::vector<std::vector<std::string>> combinations(const std::vector<Source>& sources);

/// `argument` as one word of a command for sh, bash or dash, with the same bytes as GNU parallel's.
std::string quote(std::string_view argument);

/// A command with replacement strings:
///   {} the value   {.} without its extension   {/} without its folder   {//} its folder   {/.} without both
///   {#} the number of the command   {%} the slot in which it runs
///   {2} {2.} {2/} {2//} {2/.} of the second source, {-1} of the last; without a number: of all, with blanks between.
/// Without any, ` {}` is appended. `{other}` stays as it is; the value of a source that does not exist is empty.
/// Values are quoted, except when the command begins with one ("{} -v", "./{}.sh"): then they are shell text.
class Template {
 public:
  /// The words are joined by single blanks. Refuses `{= perl =}`.
  explicit Template(const std::vector<std::string>& command);

  /// The command for one combination of values; `number` counts from 1. The slot is known only when the command is about
  /// to run: expand it then, with the slot. Without a slot `{%}` stays as it is, and cannot be distinguished any more from
  /// a `{%}` in a value: do not replace it later.
  [[nodiscard]] std::string expand(const std::vector<std::string>& arguments, std::uint64_t number,
                                   std::string_view slot = "{%}") const;

  /// The same as the words of a program, each value unchanged; none if the words of the template itself need a shell,
  /// whatever the values hold.
  [[nodiscard]] std::optional<std::vector<std::string>> words(const std::vector<std::string>& arguments,
                                                              std::uint64_t number, std::string_view slot) const;

  /// Whether the template contains `{%}`.
  [[nodiscard]] bool uses_slot() const;

 private:
  enum class Kind { text, value, no_extension, no_folder, folder, no_folder_no_extension, number, slot };
  struct Part {
    Kind kind = Kind::text;
    std::string text;                         ///< of Kind::text
    std::optional<std::int64_t> source = {};  ///< as written, from 1, or below 0 from the end; none: all sources
  };
  static std::optional<Part> replacement(std::string_view inside);
  static std::string changed(const std::string& value, Kind kind);
  static std::vector<std::string> replaced(const Part& part, const std::vector<std::string>& arguments);

  std::vector<Part> parts_;
  bool quotes_ = true;
  bool needs_shell_ = true;
};

/// The commands of a plain file, one a line. Skips blank lines and lines whose first non-blank is `#`. Refuses a NUL byte if
/// `end` is another.
std::vector<std::string> list_of_commands(std::string_view text, char end = '\n');

/// False only if sh, bash and dash would all run `command` as the program and the words that `plain_words` returns: no
/// quotes, nothing to expand, nothing that only a shell can do. True when in doubt, and for a blank command. Does not
/// know functions that bash takes from the environment (`export -f`), nor whether the program exists.
bool needs_shell(std::string_view command);

/// The words of a command that needs no shell.
std::vector<std::string> plain_words(std::string_view command);

}  // namespace stint::commands
