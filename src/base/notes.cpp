// SPDX-License-Identifier: Apache-2.0
#include "base/notes.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace stint {
namespace {

std::mutex notes_mutex;
std::vector<std::string> notes;

}  // namespace

void note(std::string line) {
  const std::lock_guard lock(notes_mutex);
  if (std::ranges::find(notes, line) == notes.end()) notes.push_back(std::move(line));
}

std::vector<std::string> take_notes() {
  const std::lock_guard lock(notes_mutex);
  return std::exchange(notes, {});
}

}  // namespace stint
