// SPDX-License-Identifier: Apache-2.0
#include "cli/command_words.hpp"

#include "base/error.hpp"
#include "base/program.hpp"
#include "cli/foreign_options.hpp"
#include "cli/suggestion.hpp"

#include <CLI/Option.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace stint {
namespace {

bool is_option(std::string_view word) { return word.size() > 1 && word.front() == '-'; }

bool takes_value(const CLI::Option& option) { return option.get_items_expected_min() > 0; }

// $0 stands for this program.
std::string in_our_name(std::string_view advice) {
  const auto at = advice.find("$0");
  if (at == advice.npos) return std::string(advice);
  return std::string(advice.substr(0, at)) + program() + std::string(advice.substr(at + 2));
}

/// Reads the words from the front, and passes on each option with its value.
class Reader {
 public:
  Reader(const std::vector<std::string>& words, std::vector<std::string>& options) : words_(words), options_(options) {}

  [[nodiscard]] bool at_end() const { return at_ == words_.size(); }
  [[nodiscard]] const std::string& word() const { return words_[at_]; }
  std::string take() { return words_[at_++]; }
  [[nodiscard]] std::vector<std::string> rest() const {
    return {words_.begin() + static_cast<std::ptrdiff_t>(at_), words_.end()};
  }

  /// Takes the option at this word: of `app`, or else of `other`. False if neither has it, and no other program's is known.
  bool take_option(const CLI::App& app, const CLI::App& other) {
    const auto find = [&](const std::string& name) {
      const auto* option = app.get_option_no_throw(name);
      return option != nullptr ? option : other.get_option_no_throw(name);
    };
    const std::string whole = word();
    const bool is_long = whole.starts_with("--");
    const auto equals = is_long ? whole.find('=') : whole.npos;
    const std::string name = is_long ? whole.substr(0, equals) : whole.substr(0, 2);
    const auto* option = foreign_option(whole) == nullptr ? find(name) : find(whole);  // -np is not -n p
    if (option == nullptr) return take_foreign(whole, is_long, find);
    ++at_;
    if (equals != whole.npos && equals + 1 == whole.size() && takes_value(*option)) {  // else it takes the next word
      options_.insert(options_.end(), {name, ""});
      return true;
    }
    options_.push_back(whole);
    std::size_t letter = 1;  // of short options in one word: flags, and at most one with a value
    while (!is_long && option != nullptr && !takes_value(*option) && ++letter < whole.size()) {
      option = find(std::string("-") + whole[letter]);
    }
    const bool attached = is_long ? equals != whole.npos : letter + 1 < whole.size();
    if (option != nullptr && takes_value(*option) && !attached && !at_end()) options_.push_back(take());
    return true;
  }

 private:
  template <class Find>
  bool take_foreign(const std::string& whole, bool is_long, const Find& find) {
    const auto* foreign = foreign_option(whole);
    std::string name = whole;
    std::string value;
    bool attached = false;
    if (foreign == nullptr) {  // --jobs=4, -j4
      const auto end = is_long ? std::min(whole.find('='), whole.size()) : 2;
      name = whole.substr(0, end);
      foreign = foreign_option(name);
      attached = end < whole.size();
      if (attached) value = whole.substr(is_long ? end + 1 : end);
    }
    if (foreign == nullptr || (attached && !foreign->value)) return false;
    if (foreign->advice.empty() && !foreign->ours.empty() && find(std::string(foreign->ours)) == nullptr) return false;
    ++at_;
    if (foreign->value && !attached && !at_end()) value = take();
    if (foreign->advice.starts_with("write {}") && value == "{}") return true;
    if (!foreign->advice.empty()) {
      throw Error(Exit::usage, "there is no option " + name + ": " + in_our_name(foreign->advice));
    }
    if (foreign->ours.empty()) return true;
    options_.emplace_back(foreign->ours);
    if (foreign->value) options_.push_back(value);
    return true;
  }

  const std::vector<std::string>& words_;
  std::vector<std::string>& options_;
  std::size_t at_ = 0;
};

const JobParser* named(const std::string& name, const std::vector<JobParser>& jobs) {
  const auto found = std::ranges::find_if(jobs, [&](const auto& job) { return job.app->get_name() == name; });
  return found == jobs.end() ? nullptr : &*found;
}

std::string without_value(const std::string& word) {
  return word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
}

std::string unknown(const std::string& word, const std::vector<const CLI::App*>& parsers) {
  std::vector<std::string> known;
  for (const auto* parser : parsers) {
    for (const auto* option : parser->get_options()) {
      if (option->get_group().empty()) continue;  // not shown to users
      for (const auto& name : option->get_lnames()) known.push_back("--" + name);
    }
  }
  const auto name = without_value(word);
  const auto meant = nearest(name, known);
  return "there is no option " + name + (meant.empty() ? "" : "; did you mean " + meant + "?");
}

[[noreturn]] void refuse_option(const std::string& word, const CLI::App& app, const CLI::App& run,
                                const std::vector<JobParser>& jobs) {
  const auto name = without_value(word);
  const auto owner = std::ranges::find_if(jobs, [&](const auto& job) { return job.app->get_option_no_throw(name) != nullptr; });
  if (&app == &run && owner != jobs.end()) {
    throw Error(Exit::usage, name + " is an option of the job " + owner->app->get_name() + ": it stands behind that name");
  }
  const std::string help = app.get_parent() != nullptr && &app != &run ? "run " + app.get_name() : "run";
  throw Error(Exit::usage, unknown(word, {&app, &run}) + " (see " + typed(help + " --help") + ")");
}

bool takes_words(const JobParser& job) {
  return std::ranges::any_of(job.options->entries(), [](const auto& entry) { return entry.ends_options; });
}

}  // namespace

CommandWords split_words(const std::vector<std::string>& words, const CLI::App& run, const std::vector<JobParser>& jobs) {
  CommandWords split;
  Reader reader(words, split.options);
  if (jobs.size() == 1 && jobs.front().app == &run) split.job = &jobs.front();
  while (!reader.at_end()) {
    if (reader.word() == "--") {
      reader.take();
      if (split.job == nullptr) continue;
      for (auto& word : reader.rest()) split.positional.push_back(std::move(word));
      return split;
    }
    if (is_option(reader.word())) {
      const auto& app = split.job != nullptr ? *split.job->app : run;
      if (!reader.take_option(app, run)) refuse_option(reader.word(), app, run, jobs);
    } else if (split.job == nullptr) {
      split.job = named(reader.word(), jobs);
      if (split.job == nullptr) {  // the parser refuses it, with all that follows
        for (auto& word : reader.rest()) split.options.push_back(std::move(word));
        return split;
      }
      split.options.push_back(reader.take());
    } else if (takes_words(*split.job)) {
      split.positional = reader.rest();
      return split;
    } else {
      split.positional.push_back(reader.take());
    }
  }
  return split;
}

std::vector<std::string> in_our_words(const std::vector<std::string>& words, const CLI::App& app) {
  std::vector<std::string> ours;
  Reader reader(words, ours);
  while (!reader.at_end()) {
    if (!is_option(reader.word()) || !reader.take_option(app, app)) ours.push_back(reader.take());
  }
  return ours;
}

std::string unknown_option(const std::string& word, const CLI::App& app) { return unknown(word, {&app}); }

}  // namespace stint
