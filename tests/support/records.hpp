// SPDX-License-Identifier: Apache-2.0
// Records of commands, one by one, for the tests of the job `commands`.
#pragma once

#include "commands/record.hpp"

#include <vector>

namespace stint::commands {

inline std::vector<Record> list_of(const Records& records) {
  std::vector<Record> list;
  records.each([&](const Record& record) { list.push_back(record); });
  return list;
}

}  // namespace stint::commands
