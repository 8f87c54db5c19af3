// SPDX-License-Identifier: Apache-2.0
#include "limits.hpp"

#include <stint/error.hpp>
#include <stint/options.hpp>

#include <cmath>
#include <stdexcept>

namespace stint::commands {

Limits limits_of(const std::string& text, double delay, std::uint64_t memory_free, const std::string& host) {
  Limits limits;
  limits.delay = delay;
  limits.memory_free = memory_free;
  if (memory_free > memory_total())
    throw BadInput("--memfree " + gibibytes(memory_free) + "G is more than the " + gibibytes(memory_total()) + "G that " +
                   host + " has; no command would ever begin");
  if (text.empty()) return limits;
  const bool share = text.ends_with('%');
  double number = 0;
  try {
    number = share ? parse_number(text.substr(0, text.size() - 1)) : parse_seconds(text);
  } catch (const std::invalid_argument&) {  // the throw below reports it
  }
  if (!(number > 0) || !std::isfinite(number)) {
    throw std::invalid_argument("--timeout: '" + text + "' is not a time above 0: give 90, 1h30m, 2:00:00, or 300% (of the median)");
  }
  (share ? limits.timeout_share : limits.timeout) = share ? number / 100 : number;
  return limits;
}

}  // namespace stint::commands
