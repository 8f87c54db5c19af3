// SPDX-License-Identifier: Apache-2.0
#include "base/program.hpp"

#include "base/shell_quote.hpp"

namespace stint {
namespace {

std::string& name() {
  static std::string word = "stint";
  return word;
}

}  // namespace

const std::string& program() { return name(); }

void set_program(const std::string& word) {
  const bool plain = word.find_first_of(" \t\n'\"\\$&|;<>()*?[]#~`!{}") == word.npos;
  if (!word.empty()) name() = plain ? word : single_quoted(word);
}

std::string typed(std::string_view words) { return name() + " " + std::string(words); }

}  // namespace stint
