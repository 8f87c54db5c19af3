// SPDX-License-Identifier: Apache-2.0
// Feeds plans and partials of the job `sum` to it: see fuzz_plan and fuzz_partial for what must hold.
#include "fuzz.hpp"
#include "sum.hpp"

namespace stint::fuzzing {

void fuzz(Bytes& bytes) {
  Sum::Plan plan;
  Moments moments;
  for (int left = bytes.ConsumeIntegralInRange(0, 8); left > 0; --left) {
    plan.numbers.push_back(bytes.ConsumeFloatingPoint<double>());
    moments.add(plan.numbers.back());
  }
  plan.numbers_in_chunk = bytes.ConsumeIntegralInRange<std::uint64_t>(1, 10);
  if (plan.numbers.empty()) {
    plan.pieces = Pieces({{text_of(bytes), bytes.ConsumeIntegral<std::uint32_t>(), 0}, {text_of(bytes), 5, -1}},
                         bytes.ConsumeIntegral<std::uint16_t>());
  }
  if (bytes.ConsumeBool()) {
    fuzz_plan<Sum>(plan, bytes);
  } else {
    fuzz_partial<Sum>(moments, bytes);
  }
}

}  // namespace stint::fuzzing
