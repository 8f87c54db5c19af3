// SPDX-License-Identifier: Apache-2.0
// Feeds texts that users name: lists, values, settings. Only BadInput and std::invalid_argument are thrown; the bytes of a file
// are read as they are, and lines that are joined again are the text.
#include "fuzz.hpp"

#include "base/notes.hpp"
#include "commands/arguments.hpp"
#include "commands/settings.hpp"

#include <stint/text.hpp>

namespace stint::fuzzing {

void fuzz(Bytes& bytes) {
  const char end = bytes.ConsumeBool() ? '\n' : '\0';
  const auto given = bytes.ConsumeRemainingBytesAsString();
  const MemoryFile file(given);
  require(read_whole(file.path()) == given, "a file is read as it is");
  const auto text = unless_refused<BadInput>([&] { return read_text(file.path()); });
  take_notes();
  if (!text) return;
  require(text->size() <= given.size(), "nothing is made up");
  unless_refused<BadInput>([&] { return commands::variables_of(*text, "file"); });
  const auto values = unless_refused<std::invalid_argument>([&] { return commands::list_of_values(*text, "list", end); });
  if (!values) return;
  std::string joined;
  for (const auto& value : *values) (joined += value) += end;
  require(joined == *text || joined == *text + end, "the values are the lines of the text");
}

}  // namespace stint::fuzzing
