// SPDX-License-Identifier: Apache-2.0
#include "cli/what_ran.hpp"

#include "base/shell_quote.hpp"
#include "cli/identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <regex>
#include <utility>
#include <vector>

namespace stint {
namespace {

// Numbers with a fraction are stored in hex, so that no bit is lost; this returns them in decimal for people.
std::string readable(const std::string& text) {
  static const std::regex hex("-?0x[0-9a-f]+(\\.[0-9a-f]+)?p[+-]?[0-9]+");
  std::string list;
  for (std::size_t from = 0; from <= text.size();) {
    const auto comma = std::min(text.find(',', from), text.size());
    const auto number = text.substr(from, comma - from);
    if (!std::regex_match(number, hex)) return text;
    list += (list.empty() ? "" : ",") + fmt::format("{:g}", std::strtod(number.c_str(), nullptr));
    from = comma + 1;
  }
  return list;
}

std::string quoted(const std::string& word) {
  static const std::string plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%{}";
  if (!word.empty() && word.find_first_not_of(plain) == word.npos) return word;
  return single_quoted(word);
}

std::string spelled(const std::string& name, const std::vector<std::string>& values, bool flag) {
  std::string text;
  if (flag) return values.empty() || values[0] != "true" ? "" : " --" + name;
  for (const auto& value : values) text += " --" + name + " " + quoted(readable(value));
  return text;
}

}  // namespace

std::string what_ran(const std::string& job, const std::string& options, std::span<const JobEntry> jobs) {
  auto stored = stored_options(options);
  std::string text = job, words;
  for (const auto& entry : jobs) {
    if (entry.name != job) continue;
    const auto fresh = entry.make();
    Options known;
    fresh->options(known);
    for (const auto& option : known.entries()) {
      const auto found = stored.find(option.name);
      if (found == stored.end()) continue;
      const auto values = std::exchange(found->second, {});
      if (option.positional) {
        for (const auto& value : values) words += " " + quoted(value);
      } else if (values != option.get()) {
        text += spelled(option.name, values, option.flag);
      }
    }
    return text + words;
  }
  for (const auto& [name, values] : stored) text += spelled(name, values, false);
  return text + words;
}

}  // namespace stint
