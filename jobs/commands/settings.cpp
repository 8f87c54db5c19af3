// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

#include <stint/error.hpp>
#include <stint/text.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string_view>

namespace stint::commands {
namespace {

constexpr const char* shell_variable = "STINT_SHELL";

// Values may be secret: messages and the run's identity have only their number and a digest (FNV-1a).
std::string digest_of(const std::vector<std::string>& variables) {
  if (variables.empty()) return "";
  std::uint64_t digest = 0xcbf29ce484222325U;
  for (const auto& variable : variables) {
    for (const char c : variable + '\0') digest = (digest ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  char text[64];
  std::snprintf(text, sizeof text, "%zu %s with digest %016llx", variables.size(),
                variables.size() == 1 ? "variable" : "variables", static_cast<unsigned long long>(digest));
  return text;
}

}  // namespace

std::string chosen_shell() {
  const char* shell = std::getenv(shell_variable);
  return shell == nullptr || std::string_view(shell) == "/bin/sh" ? "" : shell;
}

void Settings::add_to(Options& options) {
  options.add_word("env-from", "FILE", file_, "file of NAME=VALUE lines, for all commands", OptionKind::run_time);
  options.add_hidden(
      "environment", [this] { return variables(); },
      [this](const auto& texts) {
        variables_ = texts;
        known_of_ = file_;
      },
      [this] { return digest_of(variables()); });
  options.add_hidden(
      "shell", [] { return std::vector{chosen_shell()}; },
      [](const auto& texts) {
        const std::string shell = texts.empty() ? "" : texts.front();
        if (shell == chosen_shell()) return;
        shell.empty() ? ::unsetenv(shell_variable) : ::setenv(shell_variable, shell.c_str(), 1);
      },
      [] { return chosen_shell(); });
}

const std::vector<std::string>& Settings::variables() const {
  if (known_of_ != file_) {
    variables_ = file_.empty() ? std::vector<std::string>{} : variables_of(read_text(file_), file_);
    known_of_ = file_;
  }
  return variables_;
}

std::vector<std::string> Settings::paths() const {
  return file_.empty() ? std::vector<std::string>{} : std::vector{file_};
}

std::vector<std::string> variables_of(const std::string& text, const std::string& file) {
  std::vector<std::string> variables;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    const auto equals = line.find('=');
    if (equals == line.npos || equals == 0 || line.find('\0') != line.npos) {
      throw BadInput(file + ": '" + line.substr(0, 60) + "' is no NAME=VALUE; give one variable a line");
    }
    variables.push_back(line);
  }
  return variables;
}

}  // namespace stint::commands
