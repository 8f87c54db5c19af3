// SPDX-License-Identifier: Apache-2.0
#include "cli/job_options.hpp"

#include "base/error.hpp"
#include "cli/command_words.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace stint {
namespace {

constexpr const char* group_of_jobs = "Options of the job";

// An error for the job's author, at the first start.
void refuse_second(const CLI::App& app, const std::string& name) {
  for (const auto* each = &app; each != nullptr; each = each->get_parent()) {
    if (each->get_option_no_throw(name) == nullptr) continue;
    throw Error(Exit::defect, "the job registers option " + name + ", which is Stint's already; "
                              "give it another name in options()");
  }
}

}  // namespace

void add_job_options(CLI::App& app, Options& options, const std::set<OptionKind>& kinds) {
  for (const auto& entry : options.entries()) {
    if (entry.hidden || (!kinds.empty() && !kinds.contains(entry.kind))) continue;
    const std::string name = entry.positional ? entry.name : "--" + entry.name;
    refuse_second(app, name);
    if (entry.flag) {
      app.add_flag_callback(name, [&entry] { entry.set({"true"}); }, entry.help)->group(group_of_jobs);
      continue;
    }
    auto* option = app.add_option(
        name,
        [&entry, name](const std::vector<std::string>& texts) {
          try {
            entry.set(texts);
          } catch (const std::invalid_argument& error) {
            throw CLI::ValidationError(name, error.what());
          }
          return true;
        },
        entry.help, false);
    option->group(group_of_jobs)->type_name(entry.type.empty() ? "TEXT" : entry.type);
    if (!entry.initial.empty()) option->default_str(entry.initial);
    option->type_size(1);
    if (entry.positional) {  // only for --help: the parser would split a word like [a,b]; see command_words.hpp
      option->expected(1, CLI::detail::expected_max_vector_size);
    } else {
      option->expected(1)->multi_option_policy(entry.repeats ? CLI::MultiOptionPolicy::TakeAll
                                                             : CLI::MultiOptionPolicy::TakeLast);
    }
  }
}

void refuse_empty_values(const CLI::App& app) {
  for (const auto* option : app.get_options()) {
    const auto kind = option->get_type_name();
    const bool may_be = (kind == "TEXT" && option->get_group() == group_of_jobs) || kind == arguments_type;
    if (may_be || option->results().empty()) continue;
    for (const auto& text : option->results()) {
      if (!text.empty()) continue;
      throw Error(Exit::usage, option->get_name() + " has an empty value: give one, or leave it out; an unset variable of the shell "
                               "is empty, too");
    }
  }
  for (const auto* chosen : app.get_subcommands()) refuse_empty_values(*chosen);
}

void set_positional(Options& options, const std::vector<std::string>& words) {
  if (words.empty()) return;
  for (const auto& entry : options.entries()) {
    if (!entry.positional) continue;
    try {
      entry.set(words);
    } catch (const std::invalid_argument& error) {
      throw Error(Exit::usage, entry.name + ": " + error.what());
    }
    return;
  }
  throw Error(Exit::usage, "the argument '" + words.front() + "' was not expected: this job takes no words, only options");
}

void apply_words(Options& options, const std::vector<std::string>& words, const std::set<OptionKind>& kinds,
                 const std::string& advice) {
  CLI::App parser;
  add_job_options(parser, options, kinds);
  try {
    parser.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ExtrasError& error) {
    const auto rest = parser.remaining();
    const auto wrong = rest.empty() || !rest.front().starts_with('-') ? error.what() : unknown_option(rest.front(), parser);
    throw Error(Exit::usage, wrong + (wrong.ends_with('?') ? " " : "; ") + advice);
  } catch (const CLI::ParseError& error) {
    throw Error(Exit::usage, std::string(error.what()) + "; " + advice);
  }
  refuse_empty_values(parser);
}

}  // namespace stint
