// SPDX-License-Identifier: Apache-2.0
// Feeds job logs. Only BadInput is thrown, all times are from 0 to 1e9 seconds, and a line that Stint writes is read.
#include "fuzz.hpp"

#include "commands/expected_times.hpp"
#include "commands/report.hpp"

namespace stint::fuzzing {

using commands::in_joblog, commands::times_of_joblog;

void fuzz(Bytes& bytes) {
  const auto command = in_joblog(text_of(bytes));
  const auto seconds = bytes.ConsumeIntegralInRange(0, 1'000'000'000);
  const auto line = "1\thost\t1.000\t" + std::string(3, ' ') + std::to_string(seconds) + ".000\t0\t5\t0\t0\t" + command + "\n";
  require(times_of_joblog(line, "log").at(command) == seconds, "a line is read as it was written");
  const auto text = hostile(line + line, bytes);
  const auto times = unless_refused<BadInput>([&] { return times_of_joblog(text, "log"); });
  if (!times) return;
  for (const auto& [name, time] : *times) require(time >= 0 && time <= 1e9, "a time is one");
}

}  // namespace stint::fuzzing
