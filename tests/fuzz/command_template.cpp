// SPDX-License-Identifier: Apache-2.0
// Feeds words, lists and templates of commands in the spelling of GNU parallel. Only std::invalid_argument is thrown.
#include "fuzz.hpp"

#include "commands/arguments.hpp"

namespace stint::fuzzing {

using namespace commands;

constexpr std::size_t most_combinations = 1000;

void expand_all(const Words& words) {
  std::size_t count = 1;
  for (const auto& source : words.sources) count *= source.values.size() + 1;
  if (count > most_combinations) return;
  const Template command(words.command);
  std::uint64_t number = 0;
  for (const auto& values : combinations(words.sources)) {
    const auto text = command.expand(values, ++number, "1");
    (void)needs_shell(text);
    (void)plain_words(text);
    (void)command.words(values, number, "1");
  }
}

void fuzz(Bytes& bytes) {
  const char end = bytes.ConsumeBool() ? '\n' : '\0';
  std::vector<std::string> words;
  for (int left = bytes.ConsumeIntegralInRange(0, 8); left > 0; --left) {
    words.push_back(bytes.ConsumeBool() ? text_of(bytes, 24)
                                        : bytes.PickValueInArray({":::", ":::+", "::::", "::::+", "-", "{}", "{1.}", "{-1/}", "{//}", "{#}{%}"}));
  }
  const auto list = text_of(bytes);
  unless_refused<std::invalid_argument>([&] {
    for (const auto& command : list_of_commands(list, end)) require(!command.empty(), "a command has a text");
    expand_all(parse_words(words, [&](const std::string&) { return list; }, end));
    return true;
  });
}

}  // namespace stint::fuzzing
