// SPDX-License-Identifier: Apache-2.0
// See arguments.hpp. The rules were found by trying GNU parallel; comments mark the surprising ones, and a
// test compares the results of the two.
#include "arguments.hpp"

#include <stint/text.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace stint::commands {
namespace {

// Not those of <cctype>, which depend on the locale.
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_'; }

std::vector<std::string> lines(std::string_view text, std::string_view name, char line_end) {
  std::vector<std::string> list;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find(line_end, from), text.size());
    const std::string_view line = text.substr(from, end - from);
    if (line.find('\0') != line.npos) {
      throw std::invalid_argument("line " + std::to_string(list.size() + 1) + " of " + std::string(name) +
                                  " has a NUL byte, which no command can take; give one text a line, or --null where "
                                  "that byte ends each of them");
    }
    list.emplace_back(line);
    from = end + 1;
  }
  return list;
}

std::string without_extension(const std::string& value) {
  const std::size_t dot = value.find_last_of("./");
  return dot == value.npos || value[dot] == '/' ? value : value.substr(0, dot);
}

std::string without_folder(const std::string& value) { return value.substr(value.rfind('/') + 1); }

/// As the program dirname returns it.
std::string folder(const std::string& value) {
  if (value.empty()) return ".";
  const std::size_t name_end = value.find_last_not_of('/');
  if (name_end == value.npos) return "/";
  const std::size_t slash = value.rfind('/', name_end);
  if (slash == value.npos) return ".";
  const std::size_t folder_end = value.find_last_not_of('/', slash);
  return folder_end == value.npos ? "/" : value.substr(0, folder_end + 1);
}

/// First words that mean something else to a shell than to exec: reserved words and builtins of sh, bash and dash.
constexpr std::string_view shell_words[] = {
    ".",       ":",       "alias",     "bg",       "bind",     "break",    "builtin", "caller",  "case",    "cd",
    "chdir",   "command", "compgen",   "complete", "compopt",  "continue", "coproc",  "declare", "dirs",    "disown",
    "do",      "done",    "elif",      "else",     "enable",   "esac",     "eval",    "exec",    "exit",    "export",
    "fc",      "fg",      "fi",        "for",      "function", "getopts",  "hash",    "help",    "history", "if",
    "in",      "jobs",    "kill",      "let",      "local",    "logout",   "mapfile", "popd",    "printf",  "pushd",
    "pwd",     "read",    "readarray", "readonly", "return",   "select",   "set",     "shift",   "shopt",   "source",
    "suspend", "test",    "then",      "time",     "times",    "trap",     "type",    "typeset", "ulimit",  "umask",
    "unalias", "unset",   "until",     "wait",     "while"};

}  // namespace

std::vector<std::string> list_of_values(std::string_view text, std::string_view name, char end) {
  return lines(text, name, end);
}

Words parse_words(const std::vector<std::string>& words, const ReadList& read_list, char end) {
  Words parsed;
  std::string_view separator;
  bool read_input = false;
  for (const std::string& word : words) {
    const bool linked = separator.ends_with('+');
    if (word == ":::" || word == ":::+") {
      separator = word;
      parsed.sources.push_back({.values = {}, .linked = separator.ends_with('+')});
    } else if (word == "::::" || word == "::::+") {
      separator = word;
    } else if (separator.empty()) {
      parsed.command.push_back(word);
    } else if (separator.starts_with("::::")) {
      const bool is_input = is_standard_input(word);
      if (is_input && std::exchange(read_input, true)) {
        throw std::invalid_argument("'" + word + "' is given twice, and standard input can be read only once; give a file");
      }
      parsed.sources.push_back({lines(read_list(word), is_input ? "standard input" : word, end), linked});
    } else {
      // With `end` appended, an empty word is one empty value, and so is the text after a trailing line end.
      for (std::string& value : lines(word + end, "an argument", end)) {
        parsed.sources.back().values.push_back(std::move(value));
      }
    }
  }
  return parsed;
}

std::vector<std::vector<std::string>> combinations(const std::vector<Source>& sources) {
  const auto is_empty = [](const Source& source) { return source.values.empty(); };
  if (std::ranges::all_of(sources, is_empty)) return {};
  std::vector<std::vector<std::string>> rows = {{}};
  for (std::size_t first = 0; first < sources.size();) {
    std::size_t last = first;  // the last of the sources in step
    const auto length = [](const Source& source) { return std::max<std::size_t>(source.values.size(), 1); };
    std::size_t steps = length(sources[first]);
    while (last + 1 < sources.size() && sources[last + 1].linked) steps = std::min(steps, length(sources[++last]));
    std::vector<std::vector<std::string>> longer;
    longer.reserve(rows.size() * steps);
    for (const auto& row : rows) {
      for (std::size_t step = 0; step < steps; ++step) {
        longer.push_back(row);
        for (std::size_t at = first; at <= last; ++at) {
          longer.back().push_back(is_empty(sources[at]) ? "" : sources[at].values[step]);
        }
      }
    }
    rows = std::move(longer);
    first = last + 1;
  }
  return rows;
}

std::string quote(std::string_view argument) {
  const auto is_plain = [](char c) { return is_word(c) || c == '+' || c == '-' || c == '.' || c == '/'; };
  if (argument.empty()) return "''";
  if (std::ranges::all_of(argument, is_plain)) return std::string(argument);
  std::string quoted;
  bool open = false;
  for (char c : argument) {
    if (c == '\'') {
      if (open) quoted += '\'';
      if (!open && !quoted.empty()) quoted += "''";  // the shell does not need these two, but GNU parallel writes them
      quoted += "\"'\"";
      open = false;
    } else {
      if (!open) quoted += '\'';
      quoted += c;
      open = true;
    }
  }
  return open ? quoted + '\'' : quoted;
}

/// `inside` is the text between { and }.
std::optional<Template::Part> Template::replacement(std::string_view inside) {
  static constexpr std::pair<std::string_view, Kind> kinds[] = {{"", Kind::value},
                                                                {".", Kind::no_extension},
                                                                {"/", Kind::no_folder},
                                                                {"//", Kind::folder},
                                                                {"/.", Kind::no_folder_no_extension},
                                                                {"#", Kind::number},
                                                                {"%", Kind::slot}};
  Part part;
  std::size_t digits_end = inside.starts_with('-') ? 1 : 0;
  while (digits_end < inside.size() && is_digit(inside[digits_end])) ++digits_end;
  const std::string_view digits = inside.substr(0, digits_end);
  if (!digits.empty()) {
    if (digits == "-") return {};
    std::int64_t source = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), source);
    if (error != std::errc()) source = 0;     // too large: there is no such source
    if (digits != "0") part.source = source;  // {0} is {}, but {00} is a source that does not exist
    while (digits_end < inside.size() && is_space(inside[digits_end])) ++digits_end;  // {2 } is {2}
  }
  for (const auto& [sign, kind] : kinds) {
    if (inside.substr(digits_end) != sign) continue;
    part.kind = kind;
    return part;
  }
  return {};
}

Template::Template(const std::vector<std::string>& command) {
  std::string all, text;
  bool replaces = false;
  bool in_first_word = true;
  const auto end_text = [&] {
    if (!text.empty()) parts_.push_back({.text = std::exchange(text, {})});
  };
  // Word by word: '{1' and '}' must not become a replacement string when the words are joined.
  for (std::size_t index = 0; index < command.size(); ++index) {
    const std::string& word = command[index];
    if (index > 0) {
      text += ' ';
      all += ' ';
      in_first_word = false;
    }
    all += word;
    for (std::size_t at = 0; at < word.size();) {
      const std::size_t close = word[at] == '{' ? word.find('}', at) : word.npos;
      std::optional<Part> part;
      if (close != word.npos) part = replacement(std::string_view(word).substr(at + 1, close - at - 1));
      if (part) {
        end_text();
        parts_.push_back(*std::move(part));
        if (in_first_word) quotes_ = false;
        replaces = true;
        at = close + 1;
      } else {
        if (is_space(word[at])) in_first_word = false;
        text += word[at++];
      }
    }
  }
  const std::size_t perl = all.find("{=");
  const std::size_t perl_end = perl == all.npos ? all.npos : all.find("=}", perl + 2);
  if (perl_end != all.npos) {
    std::string shown = all.substr(perl, perl_end + 2 - perl);
    std::ranges::replace(shown, '\n', ' ');
    throw std::invalid_argument("'" + shown +
                                "' is Perl, which is not run here; use {} {.} {/} {//} {/.} {#} {%}, or {2.} and the "
                                "like for one source");
  }
  if (command.empty()) {
    quotes_ = false;  // the values are commands themselves
    parts_.push_back({.kind = Kind::value, .text = {}});
  } else if (!replaces) {
    text += ' ';
    end_text();
    parts_.push_back({.kind = Kind::value, .text = {}});
  }
  end_text();
  std::string own;  // only the template's own text decides, not the values
  for (const Part& part : parts_) own += part.kind == Kind::text ? part.text : "x";
  needs_shell_ = !quotes_ || needs_shell(own);
}

std::string Template::changed(const std::string& value, Kind kind) {
  switch (kind) {
    case Kind::no_extension:
      return without_extension(value);
    case Kind::no_folder:
      return without_folder(value);
    case Kind::folder:
      return folder(value);
    case Kind::no_folder_no_extension:
      return without_extension(without_folder(value));
    default:
      return value;
  }
}

// The replacement for one source, or for each.
std::vector<std::string> Template::replaced(const Part& part, const std::vector<std::string>& arguments) {
  std::vector<std::string> texts;
  if (part.source) {
    // Counting from the end may wrap around once: of two sources, {-3} is the last. GNU parallel does so.
    const auto count = static_cast<std::int64_t>(arguments.size());
    std::int64_t at = *part.source;
    if (at < 0) at += count + 1;
    if (*part.source < 0 && at <= 0) at += count;
    if (at >= 1 && at <= count) texts.push_back(changed(arguments[static_cast<std::size_t>(at - 1)], part.kind));
    return texts;
  }
  for (const auto& argument : arguments) texts.push_back(changed(argument, part.kind));
  return texts;
}

std::string Template::expand(const std::vector<std::string>& arguments, std::uint64_t number,
                             std::string_view slot) const {
  std::string command;
  for (const Part& part : parts_) {
    if (part.kind == Kind::text) {
      command += part.text;
    } else if (part.kind == Kind::number || part.kind == Kind::slot) {
      if (part.source) continue;  // {1#} and {1%} are replaced by nothing
      command += part.kind == Kind::number ? std::to_string(number) : std::string(slot);
    } else {
      std::string_view between;
      for (const auto& text : replaced(part, arguments)) {
        (command += between) += quotes_ ? quote(text) : text;
        between = " ";
      }
    }
  }
  return command;
}

std::optional<std::vector<std::string>> Template::words(const std::vector<std::string>& arguments, std::uint64_t number,
                                                        std::string_view slot) const {
  if (needs_shell_) return std::nullopt;
  std::vector<std::string> words;
  std::optional<std::string> word;  // optional, since an empty value is also a word
  const auto end_word = [&] {
    if (word) words.push_back(*std::exchange(word, std::nullopt));
  };
  const auto add = [&](std::string_view text) { word = word.value_or("").append(text); };
  for (const Part& part : parts_) {
    if (part.kind == Kind::text) {
      for (const char& c : part.text) is_space(c) ? end_word() : add({&c, 1});
    } else if (part.kind == Kind::number || part.kind == Kind::slot) {
      if (!part.source) add(part.kind == Kind::number ? std::to_string(number) : std::string(slot));
    } else {
      bool first = true;
      for (const auto& text : replaced(part, arguments)) {
        if (!std::exchange(first, false)) end_word();
        add(text);
      }
    }
  }
  end_word();
  return words;
}

bool Template::uses_slot() const {
  return std::ranges::any_of(parts_, [](const Part& part) { return part.kind == Kind::slot && !part.source; });
}

std::vector<std::string> list_of_commands(std::string_view text, char end) {
  std::vector<std::string> commands;
  for (std::string& line : lines(text, "the list of commands", end)) {
    const auto first = std::ranges::find_if_not(line, is_space);
    if (first != line.end() && *first != '#') commands.push_back(std::move(line));
  }
  return commands;
}

bool needs_shell(std::string_view command) {
  // Stricter than necessary: all others take a shell, which costs a millisecond and does no harm.
  const auto is_plain = [](char c) {
    return is_word(c) || std::string_view(" \t%+,-./:=@").find(c) != std::string_view::npos;
  };
  if (!std::ranges::all_of(command, is_plain)) return true;
  const std::vector<std::string> words = plain_words(command);
  if (words.empty()) return true;
  const std::string& program = words.front();
  if (program.find_first_of("=%") != program.npos) return true;  // A=1 program; %1 is a job
  if (std::ranges::find(shell_words, program) != std::end(shell_words)) return true;
  // Builtins that are also programs, and behave like these if there are no options.
  if (program != "echo" && program != "true" && program != "false") return false;
  return std::ranges::any_of(words, [](const std::string& word) { return word.starts_with('-'); });
}

std::vector<std::string> plain_words(std::string_view command) {
  std::vector<std::string> words;
  for (std::size_t at = command.find_first_not_of(" \t"); at != command.npos;) {
    const std::size_t end = std::min(command.find_first_of(" \t", at), command.size());
    words.emplace_back(command.substr(at, end - at));
    at = command.find_first_not_of(" \t", end);
  }
  return words;
}

}  // namespace stint::commands
