// SPDX-License-Identifier: Apache-2.0
// Text to values and back for the options of jobs, and of Stint itself. What `get` gives, `set` takes and reads as the
// same bits: ranks are told the options as these texts, and the identity of a run is made of them. So numbers with a
// fraction are written in hex, and paths absolute. Nothing here looks at the locale. Every refusal is a
// std::invalid_argument whose text says what is wrong with which text, and what would be right.
#include <stint/input.hpp>
#include <stint/options.hpp>

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

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
constexpr std::string_view count_hint = "; give a whole number, such as 1000 or 1e9";

[[noreturn]] void refuse(std::string_view text, std::string_view why, std::string_view hint = {}) {
  throw std::invalid_argument("'" + std::string(text) + "' " + std::string(why) + std::string(hint));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// False, and nothing done, when the value would not fit.
bool append_digit(std::uint64_t& value, unsigned digit) {
  if (value > (largest - digit) / 10) return false;
  value = value * 10 + digit;
  return true;
}

/// The one text that an option with one value was given.
const std::string& only(const std::vector<std::string>& texts) {
  if (texts.empty()) throw std::invalid_argument("needs a value");
  if (texts.size() > 1) refuse(texts[1], "is a second value; give the option once");
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
  if (size > limit) refuse(text, "is too large: it must lie within 64 bits with a sign");
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
  refuse(text, "is neither true nor false");
}

std::vector<std::string> absolute(const std::vector<std::string>& paths) {
  std::vector<std::string> list;
  for (const std::string& path : paths) {
    list.push_back(path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string());
  }
  return list;
}

}  // namespace

std::uint64_t parse_count(std::string_view text) {
  if (text.empty()) refuse(text, "is no number", count_hint);
  if (text.front() == '-') refuse(text, "is negative", count_hint);
  std::uint64_t value = 0;
  std::int64_t exponent = 0;  // of ten; below zero while digits after the point wait for it
  bool fits = true;
  std::size_t at = 0;
  std::size_t digits = 0;
  std::size_t zeros = 0;  // not yet in `value`: they may yet be taken back by a negative exponent
  auto take_digits = [&] {
    for (; at < text.size() && is_digit(text[at]); ++at, ++digits) {
      if (text[at] == '0') {
        ++zeros;
        continue;
      }
      for (; zeros > 0; --zeros) fits = fits && append_digit(value, 0);
      fits = fits && append_digit(value, static_cast<unsigned>(text[at] - '0'));
    }
  };
  take_digits();
  const bool pointed = at < text.size() && text[at] == '.';
  if (pointed) {
    const std::size_t before = digits;
    ++at;
    take_digits();
    exponent = -static_cast<std::int64_t>(digits - before);
  }
  if (digits == 0) refuse(text, "is no number", count_hint);
  const bool scaled = at < text.size() && (text[at] == 'e' || text[at] == 'E');
  if (scaled) {
    ++at;
    if (at < text.size() && text[at] == '+') ++at;
    int given = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), given);
    if (error != std::errc() && error != std::errc::result_out_of_range) refuse(text, "is no number", count_hint);
    if (error == std::errc::result_out_of_range || given > 100'000 || given < -100'000) {
      refuse(text, "is too large or too small", count_hint);
    }
    at = static_cast<std::size_t>(end - text.data());
    exponent += given;
  }
  if (at != text.size()) refuse(text, "is no number", count_hint);
  if (pointed && !scaled) refuse(text, "is no whole number", count_hint);
  exponent += static_cast<std::int64_t>(zeros);
  if (value == 0 && fits) return 0;
  if (exponent < 0) refuse(text, "is no whole number", count_hint);
  for (; fits && exponent > 0; --exponent) fits = append_digit(value, 0);
  if (!fits) refuse(text, "is too large: the limit is 18446744073709551615");
  return value;
}

std::uint64_t parse_bytes(std::string_view text) {
  constexpr std::string_view hint = "; give bytes, such as 1000, 64K, 16M, 2G or 1T";
  std::string_view number = text;
  unsigned shift = 0;
  if (number.ends_with("iB")) number.remove_suffix(2);
  const bool binary = number.size() != text.size();
  if (!number.empty()) {
    constexpr std::string_view units = "KMGTkmgt";
    const std::size_t unit = units.find(number.back());
    if (unit != units.npos) shift = 10 * (static_cast<unsigned>(unit % 4) + 1);
  }
  if (shift != 0) number.remove_suffix(1);
  if (binary && shift == 0) refuse(text, "is no number of bytes", hint);
  std::uint64_t value = 0;
  try {
    value = parse_count(number);
  } catch (const std::invalid_argument&) {
    refuse(text, "is no number of bytes", hint);
  }
  if (value > largest >> shift) refuse(text, "is too large: the limit is 2^64 - 1 bytes");
  return value << shift;
}

double parse_number(std::string_view text) {
  constexpr std::string_view hint = "; give a number, such as 0.5 or 1e-3";
  std::string_view digits = text;
  bool negative = false;
  if (!digits.empty() && (digits.front() == '-' || digits.front() == '+')) {
    negative = digits.front() == '-';
    digits.remove_prefix(1);
  }
  const bool hex = digits.starts_with("0x") || digits.starts_with("0X");
  if (hex) digits.remove_prefix(2);
  if (digits.empty() || digits.front() == '-') refuse(text, "is no number", hint);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value,
                                            hex ? std::chars_format::hex : std::chars_format::general);
  if (error == std::errc::result_out_of_range) refuse(text, "does not fit a number of 64 bits");
  if (error != std::errc() || end != digits.data() + digits.size()) refuse(text, "is no number", hint);
  return negative ? -value : value;
}

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
                     refuse(text, "is none of " + type);
                   },
               .get = [&field] { return std::vector{field}; }});
}

// The setters assign a whole new Inputs, so that a list of files that was looked up before is not kept.
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
               .type = std::string(type),
               .set = [&field](const auto& texts) { field = texts; },
               .get = [&field] { return field; }});
}

Options& Options::add_files_from(std::string_view name, Inputs& field, std::string_view help) {
  return push({.name = std::string(name),
               .help = std::string(help),
               .type = "LIST",
               .set = [&field](const auto& texts) { field = Inputs(field.paths, absolute(texts)); },
               .get = [&field] { return absolute(field.list_files); },
               .inputs = &field});
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
