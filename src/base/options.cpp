// SPDX-License-Identifier: Apache-2.0
// Text to values and back, for the options of jobs and of Stint itself. `set` accepts what `get` returns, and reads the
// same bits: ranks receive the options as these texts, and the identity of a run is made of them. So numbers with a
// fraction are written in hex, and paths absolute. Every refusal is a std::invalid_argument that says what is wrong
// with which text, and what would be right. Numbers are read by quantities.cpp.
#include <stint/input.hpp>
#include <stint/options.hpp>

#include "base/refuse_value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace stint {
namespace {

/// The text of an option with one value.
const std::string& only(const std::vector<std::string>& texts) {
  if (texts.empty()) throw std::invalid_argument("needs a value");
  if (texts.size() > 1) refuse_value(texts[1], "is a second value; give the option once");
  return texts.front();
}

std::string hex_of(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char digits[64];
  const auto end = std::to_chars(digits, digits + sizeof digits, std::fabs(value), std::chars_format::hex);
  return (std::signbit(value) ? "-0x" : "0x") + std::string(digits, end.ptr);
}

std::string shortest_of(double value) {
  char digits[64];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

std::string bytes_text(std::uint64_t bytes) {
  static constexpr std::string_view units = "KMGT";
  std::string unit;
  for (char next : units) {
    if (bytes == 0 || bytes % 1024 != 0) break;
    bytes /= 1024;
    unit = next;
  }
  return std::to_string(bytes) + unit;
}

std::int64_t parse_integer(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  const std::uint64_t size = parse_count(negative ? text.substr(1) : text);
  const std::uint64_t limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + (negative ? 1 : 0);
  if (size > limit) refuse_value(text, "is too large: it must lie within 64 bits with a sign");
  return static_cast<std::int64_t>(negative ? std::uint64_t{0} - size : size);
}

std::vector<double> parse_numbers(const std::vector<std::string>& texts) {
  std::vector<double> numbers;
  for (const std::string& text : texts) {
    if (text.empty()) continue;
    for (std::size_t from = 0; from <= text.size();) {
      const std::size_t comma = std::min(text.find(',', from), text.size());
      numbers.push_back(parse_number(std::string_view(text).substr(from, comma - from)));
      from = comma + 1;
    }
  }
  return numbers;
}

bool parse_flag(const std::vector<std::string>& texts) {
  if (texts.empty()) return true;
  const std::string& text = only(texts);
  if (text == "true" || text == "1" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "0" || text == "no" || text == "off") return false;
  refuse_value(text, "is neither true nor false");
}

std::vector<std::string> absolute(const std::vector<std::string>& paths) {
  std::vector<std::string> list;
  for (const std::string& path : paths) {
    list.push_back(path.empty() || path == "-" ? path : std::filesystem::absolute(path).lexically_normal().string());
  }
  return list;
}

}  // namespace

Options& Options::push(Entry entry) {
  for (const Entry& other : entries_) {
    if (other.name == entry.name || (other.positional && entry.positional)) {
      throw std::logic_error("the job registers the option '" + entry.name + "' twice");
    }
  }
  entries_.push_back(std::move(entry));
  return *this;
}

Options& Options::add(std::string_view name, std::uint64_t& field, std::string_view help, OptionKind kind) {
  return push({.name = std::string(name),
               .help = std::string(help),
               .kind = kind,
               .type = "N",
               .initial = std::to_string(field),
               .set = [&field](const auto& texts) { field = parse_count(only(texts)); },
               .get = [&field] { return std::vector{std::to_string(field)}; }});
}

Options& Options::add(std::string_view name, std::int64_t& field, std::string_view help, OptionKind kind) {
  return push({.name = std::string(name),
               .help = std::string(help),
               .kind = kind,
               .type = "N",
               .initial = std::to_string(field),
               .set = [&field](const auto& texts) { field = parse_integer(only(texts)); },
               .get = [&field] { return std::vector{std::to_string(field)}; }});
}

Options& Options::add(std::string_view name, double& field, std::string_view help, OptionKind kind) {
  return push({.name = std::string(name),
               .help = std::string(help),
               .kind = kind,
               .type = "X",
               .initial = shortest_of(field),
               .set = [&field](const auto& texts) { field = parse_number(only(texts)); },
               .get = [&field] { return std::vector{hex_of(field)}; }});
}

Options& Options::add(std::string_view name, std::string& field, std::string_view help, OptionKind kind) {
  return push({.name = std::string(name),
               .help = std::string(help),
               .kind = kind,
               .type = "TEXT",
               .initial = field,
               .set = [&field](const auto& texts) { field = only(texts); },
               .get = [&field] { return std::vector{field}; }});
}

Options& Options::add(std::string_view name, bool& field, std::string_view help, OptionKind kind) {
  return push({.name = std::string(name),
               .help = std::string(help),
               .kind = kind,
               .flag = true,
               .initial = field ? "true" : "",
               .set = [&field](const auto& texts) { field = parse_flag(texts); },
               .get = [&field] { return std::vector<std::string>{field ? "true" : "false"}; }});
}

Options& Options::add(std::string_view name, std::vector<double>& field, std::string_view help, OptionKind kind) {
  std::string initial;
  for (double value : field) initial += (initial.empty() ? "" : ",") + shortest_of(value);
  return push({.name = std::string(name),
               .help = std::string(help),
               .kind = kind,
               .type = "X,X,…",
               .initial = std::move(initial),
               .set = [&field](const auto& texts) { field = parse_numbers(texts); },
               .get =
                   [&field] {
                     std::string text;
                     for (double value : field) text += (text.empty() ? "" : ",") + hex_of(value);
                     return std::vector{text};
                   }});
}

Options& Options::add_bytes(std::string_view name, std::uint64_t& field, std::string_view help, OptionKind kind) {
  return push({.name = std::string(name),
               .help = std::string(help),
               .kind = kind,
               .type = "BYTES",
               .initial = bytes_text(field),
               .set = [&field](const auto& texts) { field = parse_bytes(only(texts)); },
               .get = [&field] { return std::vector{std::to_string(field)}; }});
}

Options& Options::add_seconds(std::string_view name, double& field, std::string_view help, OptionKind kind) {
  return push({.name = std::string(name),
               .help = std::string(help),
               .kind = kind,
               .type = "TIME",
               .initial = shortest_of(field),
               .set = [&field](const auto& texts) { field = parse_seconds(only(texts)); },
               .get = [&field] { return std::vector{hex_of(field)}; }});
}

Options& Options::add_choice(std::string_view name, std::string& field, std::initializer_list<std::string_view> choices,
                             std::string_view help, OptionKind kind) {
  std::string type;
  for (std::string_view choice : choices) type += (type.empty() ? "" : "|") + std::string(choice);
  std::vector<std::string> allowed(choices.begin(), choices.end());
  return push({.name = std::string(name),
               .help = std::string(help),
               .kind = kind,
               .type = type,
               .initial = field,
               .set =
                   [&field, type, allowed = std::move(allowed)](const auto& texts) {
                     const std::string& text = only(texts);
                     for (const std::string& choice : allowed) {
                       if (choice == text) {
                         field = text;
                         return;
                       }
                     }
                     refuse_value(text, "is none of " + type);
                   },
               .get = [&field] { return std::vector{field}; }});
}

Options& Options::add_word(std::string_view name, std::string_view type, std::string& field, std::string_view help,
                           OptionKind kind) {
  add(name, field, help, kind);
  entries_.back().type = type;
  return *this;
}

Options& Options::add_word(std::string_view name, std::string_view type, std::vector<std::string>& field,
                           std::string_view help, OptionKind kind) {
  return push({.name = std::string(name),
               .help = std::string(help),
               .kind = kind,
               .repeats = true,
               .type = std::string(type),
               .set = [&field](const auto& texts) { field = texts; },
               .get = [&field] { return field; }});
}

// The setters assign a new Inputs, so that a list of files that was looked up before is dropped.
Options& Options::add_files(Inputs& field, std::string_view help, bool required) {
  return push({.name = "files",
               .help = std::string(help),
               .positional = true,
               .required = required,
               .type = "FILE|DIR",
               .set = [&field](const auto& texts) { field = Inputs(absolute(texts), field.list_files); },
               .get = [&field] { return absolute(field.paths); },
               .inputs = &field});
}

Options& Options::add_words(std::string_view type, std::vector<std::string>& field, std::string_view help) {
  return push({.name = "words",
               .help = std::string(help),
               .positional = true,
               .ends_options = true,
               .type = std::string(type),
               .set = [&field](const auto& texts) { field = texts; },
               .get = [&field] { return field; }});
}

Options& Options::add_files_from(std::string_view name, Inputs& field, std::string_view help) {
  return push({.name = std::string(name),
               .help = std::string(help),
               .repeats = true,
               .type = "LIST",
               .set = [&field](const auto& texts) { field = Inputs(field.paths, absolute(texts)); },
               .get = [&field] { return absolute(field.list_files); },
               .inputs = &field});
}

Options& Options::add_folder(std::string_view name, std::string& field, std::string_view help, OptionKind kind) {
  return push({.name = std::string(name),
               .help = std::string(help),
               .kind = kind,
               .type = "DIR",
               .initial = field,
               .set =
                   [&field](const auto& texts) {
                     field = absolute({only(texts)}).front();
                     while (field.size() > 1 && field.ends_with('/')) field.pop_back();
                   },
               .get = [&field] { return std::vector{field}; }});
}

Options& Options::add_hidden(std::string_view name, std::function<std::vector<std::string>()> get,
                             std::function<void(const std::vector<std::string>&)> set,
                             std::function<std::string()> shown) {
  return push({.name = std::string(name),
               .hidden = true,
               .set = std::move(set),
               .get = std::move(get),
               .shown = std::move(shown)});
}

Options& Options::writes(std::function<std::vector<Written>()> files) {
  writes_ = std::move(files);
  return *this;
}

std::vector<Options::Written> Options::files_written() const { return writes_ ? writes_() : std::vector<Written>{}; }

Options& Options::reads(std::function<std::vector<std::string>()> texts) {
  reads_ = std::move(texts);
  return *this;
}

std::vector<std::string> Options::texts_read() const {
  std::vector<std::string> texts;
  if (reads_) texts = reads_();
  for (const Entry& entry : entries_) {
    if (entry.inputs != nullptr) texts.insert(texts.end(), entry.inputs->list_files.begin(), entry.inputs->list_files.end());
  }
  return texts;
}

Options& Options::add_file(std::string_view name, Inputs& field, std::string_view help) {
  return push({.name = std::string(name),
               .help = std::string(help),
               .type = "FILE",
               .set =
                   [&field](const auto& texts) {
                     if (texts.empty()) {
                       field = Inputs();
                     } else {
                       field = Inputs(absolute({only(texts)}), {});
                     }
                   },
               .get = [&field] { return absolute(field.paths); },
               .inputs = &field});
}

}  // namespace stint
