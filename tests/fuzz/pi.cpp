// SPDX-License-Identifier: Apache-2.0
// Feeds plans and partials of the job `pi` to it: see fuzz_plan and fuzz_partial for what must hold.
#include "fuzz.hpp"
#include "pi.hpp"

namespace stint::fuzzing {

void fuzz(Bytes& bytes) {
  const auto points = bytes.ConsumeIntegral<std::uint64_t>();
  if (bytes.ConsumeBool()) {
    fuzz_plan<Pi>(split(points, bytes.ConsumeIntegral<std::uint64_t>()), bytes);
  } else {
    fuzz_partial<Pi>(points, bytes);
  }
}

}  // namespace stint::fuzzing
