// SPDX-License-Identifier: Apache-2.0
// Feeds append-only files: commands that are cut anywhere, or any bytes. Nothing throws; whole commands are whole, a cut end is
// found, and the rest is whole once it is cut off.
#include "fuzz.hpp"

#include "cli/aof_repair.hpp"

#include <initializer_list>

namespace stint::fuzzing {

using Kind = AofText::Kind;

std::string command(std::initializer_list<std::string> words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const auto& word : words) text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return text;
}

void fuzz(Bytes& bytes) {
  std::string whole;
  bool nested = false;  // a value looks like the beginning of a command
  for (int left = bytes.ConsumeIntegralInRange(0, 4); left > 0; --left) {
    const auto value = text_of(bytes);
    const auto set = command({"SET", "key", value});
    nested = nested || value.find('*') != value.npos;
    whole += bytes.ConsumeBool() ? set : command({"MULTI"}) + set + command({"EXEC"});
  }
  require(check_aof_text(whole).kind == Kind::whole, "whole commands are whole");
  const auto cut = whole.substr(0, bytes.ConsumeIntegralInRange<std::size_t>(0, whole.size()));
  require(nested || check_aof_text(cut).kind != Kind::damaged, "a cut is no damage");
  for (const auto& text : {cut, hostile(whole, bytes)}) {
    const auto found = check_aof_text(text);
    require(found.at <= text.size(), "a place lies in the file");
    if (found.kind != Kind::torn) continue;
    require(check_aof_text(text.substr(0, found.at)).kind == Kind::whole, "the rest is whole");
  }
}

}  // namespace stint::fuzzing
