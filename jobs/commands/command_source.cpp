// SPDX-License-Identifier: Apache-2.0
#include "command_source.hpp"

#include "settings.hpp"

#include <stint/error.hpp>
#include <stint/text.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

namespace stint::commands {
namespace {

constexpr double most_commands = 100e6;

bool is_separator(std::string_view word) {
  return word == ":::" || word == ":::+" || word == "::::" || word == "::::+";
}

bool is_program(const std::string& word) {
  if (word.find('/') != word.npos) return false;  // a path, not a name in PATH
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access(((folder.empty() ? "." : folder) + "/" + word).c_str(), X_OK) == 0) return true;
  }
  return false;
}

// Whether the word is a function that `export -f` gave to the shell of the commands.
bool is_function(const std::string& word) {
  return !chosen_shell().empty() && std::getenv(("BASH_FUNC_" + word + "%%").c_str()) != nullptr;
}

// Whether the file is executable and begins like a script or an ELF program: not a list.
bool is_executable(const std::string& path) {
  if (::access(path.c_str(), X_OK) != 0) return false;
  char beginning[4] = {};
  std::ifstream(path, std::ios::binary).read(beginning, sizeof beginning);
  const std::string_view bytes(beginning, sizeof beginning);
  return bytes.starts_with("#!") || bytes == "\x7f" "ELF";
}

bool is_there(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0;
}

bool is_regular(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode);
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

}  // namespace

bool CommandSource::has_sources() const { return !each.empty() || std::ranges::any_of(words, is_separator); }

// `--each A --each B COMMAND ::: x` is `COMMAND :::: A B ::: x`.
std::vector<std::string> CommandSource::words_with_each() const {
  auto all = words;
  if (each.empty()) return all;
  const auto first = all.insert(std::ranges::find_if(all, is_separator), "::::");
  all.insert(first + 1, each.begin(), each.end());
  return all;
}

// The FILE of commands, for words without sources; none: the words are a command.
std::optional<std::string> CommandSource::list() const {
  if (words.empty()) return "-";
  const std::string& word = words.front();
  if (words.size() > 1) {
    if (is_regular(word) && !is_executable(word) && !is_program(word)) {
      throw BadInput("'" + words[1] + "' follows a FILE of commands: " +
                     (words[1].starts_with('-') ? "options of stint stand before it"
                                                : "for one command with values give COMMAND ::: VALUES"));
    }
    return std::nullopt;
  }
  if (is_standard_input(word)) return word;
  if (is_regular(word) && is_executable(word)) {
    throw BadInput("'" + word + "' is a program, not a list of commands: give '" + word +
                   " {}' for its values to be read from standard input, or " + word + " ::: VALUES");
  }
  if (is_there(word)) return word;
  if (word.find_first_of(" {") != word.npos || is_program(word) || is_function(word)) return std::nullopt;
  return word;
}

std::vector<std::string> CommandSource::paths() const {
  if (!has_sources()) return {list().value_or("-")};
  std::vector<std::string> paths;
  (void)parse_words(words_with_each(), [&](const std::string& path) { return paths.push_back(path), ""; });
  return paths;
}

CommandSource::Read CommandSource::read() const {
  Read made;
  const auto content = [&](const std::string& path) {
    auto text = ends_in_nul ? read_whole(path) : read_text(path);
    if (text.empty() && is_of_this_call(path)) made.is_there = false;
    return text;
  };
  const char end = ends_in_nul ? '\0' : '\n';
  if (!has_sources()) {
    if (const auto path = list()) {
      if (!words.empty() && !is_standard_input(*path) && !is_there(*path) && path->find('/') == path->npos) {
        throw BadInput("'" + *path + "' is neither a file of commands nor a program in PATH; for a function of bash: " +
                       "'export -f " + *path + "' and STINT_SHELL=/bin/bash");
      }
      if (words.empty() && standard_input_is_null()) made.missing = "no commands: give a FILE of them, or COMMAND ::: VALUES";
      for (const auto& command : list_of_commands(content(*path), end)) made.list.add(command, {});
      return made;
    }
  }
  auto given = parse_words(words_with_each(), content, end);
  if (given.sources.empty()) {
    if (standard_input_is_null()) {
      made.missing = "'" + joined(words) + "' has no values, and standard input, which would give them, is closed or /dev/null: " +
                     "give COMMAND ::: VALUES, or COMMAND :::: FILE";
    }
    given.sources.push_back({list_of_values(content("-"), "standard input", end), false});
  }
  const Template command = this->command().value();
  double count = 1;
  for (const auto& source : given.sources) {
    count *= source.linked ? 1.0 : static_cast<double>(std::max<std::size_t>(1, source.values.size()));
  }
  if (count > most_commands) {
    throw BadInput("these values make " + std::to_string(count) + " commands, more than can be kept");
  }
  for (const auto& values : combinations(given.sources)) {
    made.list.add(command.expand(values, made.list.size() + 1), values);
  }
  return made;
}

std::optional<Template> CommandSource::command() const {
  if (!has_sources() && (words.empty() || list())) return std::nullopt;
  std::vector<std::string> command(words.begin(), std::ranges::find_if(words, is_separator));
  if (command.empty()) command.emplace_back("{}");
  return Template(command);
}

}  // namespace stint::commands
