// SPDX-License-Identifier: Apache-2.0
#include "cli/usage_error.hpp"

#include "base/environment.hpp"
#include "cli/command_words.hpp"
#include "cli/foreign_options.hpp"
#include "cli/suggestion.hpp"
#include "cli/terminal.hpp"
#include "mpi/world.hpp"

#include <CLI/Error.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace stint {

int one_line(const std::string& line, Exit exit) {
  if (mpi::rank_from_environment() == 0) Terminal::standard().line(line);
  return static_cast<int>(exit);
}

void refuse_word(const std::vector<std::string>& rest, const CLI::App& app, const std::string& kind) {
  std::vector<std::string> names;
  for (const auto* choice : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(choice->get_name());
  auto meant = rest.empty() || kind != "verb" ? "" : foreign_verb(rest.front());
  if (meant.empty() && !rest.empty()) meant = nearest(rest.front(), names);
  // The word may be the command, or the list of commands, that belongs after `commands`.
  const bool commands = kind == "job" && meant.empty() && !rest.empty() && std::ranges::find(names, "commands") != names.end();
  const auto* parent = app.get_parent();
  const std::string program = parent != nullptr ? parent->get_name() + " " + app.get_name() : app.get_name();
  throw Error(Exit::usage, (rest.empty() ? "a " + kind + " is missing" : "there is no " + kind + " '" + rest.front() + "'") +
                               (meant.empty() ? "; choose" : "; did you mean " + meant + "? Choose") + " one of: " +
                               fmt::format("{}", fmt::join(names, ", ")) +
                               (commands ? " (a list of commands, or a command: " + program + " commands " + rest.front() + " …)" : "") +
                               ", or see " + program + " --help");
}

std::string in_words_of_user(std::string line, const CLI::App& app) {
  constexpr std::string_view parsers = "Could not convert: ";
  for (const auto* option : app.get_options()) {
    const auto name = option->get_name();
    const bool converts = line.starts_with(std::string(parsers) + name + " = ");
    if (!converts && !line.starts_with(name + ": ")) continue;
    if (converts) line = name + ": '" + line.substr(parsers.size() + name.size() + 3) + "' is not a value that it takes";
    const auto& variable = option->get_envname();
    const auto value = variable.empty() ? "" : environment(variable.c_str());
    if (!value.empty() && line.starts_with(name + ": '" + value + "'")) line.replace(0, name.size(), variable);
    break;
  }
  return line;
}

int refuse_words(const CLI::ParseError& error, const CLI::App& app, const CLI::App* run) {
  const auto verbs = app.get_subcommands();
  const auto rest = app.remaining(true);
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
    if (verbs.empty()) refuse_word(rest, app, "verb");
    if (verbs.front() == run && run->get_subcommands().empty()) refuse_word(rest, *run, "job");
  }
  const std::string help = app.get_name() + " " + (verbs.empty() ? "" : verbs.front()->get_name() + " ") + "--help";
  if (!verbs.empty() && !verbs.front()->get_allow_extras() && !rest.empty() && rest.front().starts_with('-')) {
    return one_line(unknown_option(rest.front(), *verbs.front()) + " (see " + help + ")", Exit::usage);
  }
  std::string line = error.what();  // the parser's words, which may be several lines
  for (auto& c : line) c = c == '\n' ? ' ' : c;
  while (!line.empty() && line.back() == ' ') line.pop_back();
  for (const auto* verb = verbs.empty() ? &app : verbs.front(); verb != nullptr;
       verb = verb->get_subcommands().empty() ? nullptr : verb->get_subcommands().front()) {
    line = in_words_of_user(line, *verb);
  }
  return one_line(line + "; see " + help, Exit::usage);
}

}  // namespace stint
