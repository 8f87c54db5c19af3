// SPDX-License-Identifier: Apache-2.0
// `note_affinity` runs before the constructors of any library, including this one and the sanitizers: it calls only the
// kernel, and touches only plain memory.
#include <stint/detail/affinity.hpp>

#include <sched.h>

namespace stint {
namespace {

cpu_set_t given;
bool noted = false;

}  // namespace

__attribute__((no_sanitize("address", "thread", "undefined"))) void note_affinity() {
  noted = ::sched_getaffinity(0, sizeof given, &given) == 0;
}

std::optional<int> processors_given() {
  if (!noted) return std::nullopt;
  return CPU_COUNT(&given);
}

void restore_affinity() {
  if (noted) ::sched_setaffinity(0, sizeof given, &given);
}

}  // namespace stint
