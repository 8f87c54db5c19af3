// SPDX-License-Identifier: Apache-2.0
// Text to numbers, sizes and times, for the options of jobs and of Stint alike. Independent of the locale.
// Every refusal is a std::invalid_argument that says what is wrong with which text, and what would be right.
#include <stint/options.hpp>

#include "base/refuse_value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace stint {
namespace {

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
constexpr double longest = 1e9;  // seconds
constexpr std::string_view count_hint = "; give a whole number, such as 1000 or 1e9";
constexpr std::string_view time_hint = "; give 90, 90s, 500ms, 10m, 1h30m, 2d or 2:00:00";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Appends a decimal digit to `value`. False, with nothing changed: the result would not fit.
bool append_digit(std::uint64_t& value, unsigned digit) {
  if (value > (largest - digit) / 10) return false;
  value = value * 10 + digit;
  return true;
}

/// Seconds of a unit of time; 0: not a unit.
double seconds_of(std::string_view unit) {
  static constexpr std::pair<std::string_view, double> units[] = {
      {"ms", 1e-3}, {"s", 1},       {"sec", 1},    {"second", 1},  {"seconds", 1}, {"m", 60},      {"min", 60},
      {"minute", 60}, {"minutes", 60}, {"h", 3600}, {"hour", 3600}, {"hours", 3600}, {"d", 86400}, {"day", 86400},
      {"days", 86400}, {"w", 604800}, {"week", 604800}, {"weeks", 604800}};
  const auto found = std::ranges::find(units, unit, &std::pair<std::string_view, double>::first);
  return found == std::end(units) ? 0 : found->second;
}

/// Reads 12:30:00 and 12:30, and with days 1-12:30:00, 1-12:30 and 1-12: the notation of batch systems.
double clock_time(std::string_view text) {
  const auto dash = text.find('-');
  const bool has_days = dash != text.npos;
  double days = 0, fields = 0;
  int count = 0;
  const auto number = [&](std::string_view part) {
    if (part.empty() || part.size() > 9 || !std::ranges::all_of(part, is_digit)) refuse_value(text, "is not a time", time_hint);
    return static_cast<double>(parse_count(part));
  };
  if (has_days) days = number(text.substr(0, dash));
  const auto rest = has_days ? text.substr(dash + 1) : text;
  for (std::size_t from = 0; from <= rest.size(); ++count) {
    const auto colon = std::min(rest.find(':', from), rest.size());
    const double field = number(rest.substr(from, colon - from));
    if (field >= (count > 0 ? 60 : has_days ? 24 : field + 1)) refuse_value(text, "is not a time", time_hint);  // 1:99
    fields = fields * 60 + field;
    from = colon + 1;
  }
  if (count > 3) refuse_value(text, "is not a time", time_hint);
  if (has_days) {
    for (; count < 3; ++count) fields *= 60;
  }
  return days * 86400 + fields;
}

}  // namespace

std::uint64_t parse_count(std::string_view text) {
  if (text.empty()) refuse_value(text, "is no number", count_hint);
  if (text.front() == '-') refuse_value(text, "is negative", count_hint);
  std::uint64_t value = 0;
  std::int64_t exponent = 0;  // of ten; below zero while digits after the point have to make up for it
  bool fits = true;
  std::size_t at = 0;
  std::size_t digits = 0;
  std::size_t zeros = 0;  // not yet in `value`: a negative exponent may still remove them
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
  if (digits == 0) refuse_value(text, "is no number", count_hint);
  const bool scaled = at < text.size() && (text[at] == 'e' || text[at] == 'E');
  if (scaled) {
    ++at;
    if (at < text.size() && text[at] == '+') ++at;
    int given = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), given);
    if (error != std::errc() && error != std::errc::result_out_of_range) refuse_value(text, "is no number", count_hint);
    if (error == std::errc::result_out_of_range || given > 100'000 || given < -100'000) {
      refuse_value(text, "is too large or too small", count_hint);
    }
    at = static_cast<std::size_t>(end - text.data());
    exponent += given;
  }
  if (at != text.size()) refuse_value(text, "is no number", count_hint);
  if (pointed && !scaled) refuse_value(text, "is no whole number", count_hint);
  exponent += static_cast<std::int64_t>(zeros);
  if (value == 0 && fits) return 0;
  if (exponent < 0) refuse_value(text, "is no whole number", count_hint);
  for (; fits && exponent > 0; --exponent) fits = append_digit(value, 0);
  if (!fits) refuse_value(text, "is too large: the limit is 18446744073709551615");
  return value;
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
  if (digits.empty() || digits.front() == '-') refuse_value(text, "is no number", hint);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value,
                                            hex ? std::chars_format::hex : std::chars_format::general);
  if (error == std::errc::result_out_of_range) refuse_value(text, "does not fit a number of 64 bits");
  if (error != std::errc() || end != digits.data() + digits.size()) refuse_value(text, "is no number", hint);
  return negative ? -value : value;
}

std::uint64_t parse_bytes(std::string_view text) {
  constexpr std::string_view hint = "; give bytes, such as 1000, 64K, 1.5G, 4GB or 1TiB";
  std::string_view number = text;
  unsigned shift = 0;
  const bool binary = number.ends_with("iB");
  if (number.ends_with('B')) number.remove_suffix(binary ? 2 : 1);
  constexpr std::string_view units = "KMGTkmgt";
  const std::size_t unit = number.empty() ? units.npos : units.find(number.back());
  if (unit != units.npos) {
    shift = 10 * (static_cast<unsigned>(unit % 4) + 1);
    number.remove_suffix(1);
  }
  if (binary && shift == 0) refuse_value(text, "is no number of bytes", hint);
  std::uint64_t value = 0;
  try {
    if (shift != 0 && number.find('.') != number.npos && number.find_first_not_of("0123456789.") == number.npos) {
      const double part = std::floor(std::ldexp(parse_number(number), static_cast<int>(shift)));  // 1.5G
      if (part >= 0x1p64) refuse_value(text, "is too large: the limit is 2^64 - 1 bytes");
      return static_cast<std::uint64_t>(part);
    }
    value = parse_count(number);
  } catch (const std::invalid_argument& error) {
    if (std::string_view(error.what()).find("too large") != std::string_view::npos) throw;
    refuse_value(text, "is no number of bytes", hint);
  }
  if (value > largest >> shift) refuse_value(text, "is too large: the limit is 2^64 - 1 bytes");
  return value << shift;
}

double parse_seconds(std::string_view text) {
  double total = 0;
  if (text.starts_with("0x")) {  // the form that Options return
    total = parse_number(text);
    if (std::isnan(total)) refuse_value(text, "is not a time", time_hint);
  } else if (text.find(':') != text.npos || (text.find('-', 1) != text.npos && text.find('e') == text.npos)) {
    total = clock_time(text);
  } else {
    std::string_view rest = text;
    double larger = longest;  // each unit is smaller than the one before it
    for (int parts = 0; parts == 0 || !rest.empty(); ++parts) {
      if (rest.empty() || !(is_digit(rest.front()) || rest.front() == '.')) refuse_value(text, "is not a time", time_hint);
      double value = 0;
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
      if (error != std::errc()) refuse_value(text, "is not a time", time_hint);
      rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
      while (rest.starts_with(' ')) rest.remove_prefix(1);
      const auto letters = std::ranges::find_if(rest, [](char c) { return is_digit(c) || c == '.' || c == ' '; });
      const auto unit = rest.substr(0, static_cast<std::size_t>(letters - rest.begin()));
      const double factor = unit.empty() && parts == 0 && rest.empty() ? 1 : seconds_of(unit);
      if (factor == 0 || factor >= larger) refuse_value(text, "is not a time", time_hint);
      larger = factor;
      total += value * factor;
      rest.remove_prefix(unit.size());
      while (rest.starts_with(' ')) rest.remove_prefix(1);
    }
  }
  if (!(total <= longest)) refuse_value(text, "is too long: the limit is 1e9 seconds");
  return total;
}

}  // namespace stint
