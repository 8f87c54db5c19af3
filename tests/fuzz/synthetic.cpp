// SPDX-License-Identifier: Apache-2.0
// Feeds plans and partials of the job `synthetic` to it: see fuzz_plan and fuzz_partial for what must hold.
#include "fuzz.hpp"
#include "synthetic.hpp"

namespace stint::fuzzing {

void fuzz(Bytes& bytes) {
  if (bytes.ConsumeBool()) {
    Synthetic::Plan plan{.chunks = bytes.ConsumeIntegralInRange<std::uint64_t>(0, 8),
                         .mean = bytes.ConsumeFloatingPoint<double>(),
                         .skew = bytes.ConsumeIntegralInRange<std::uint32_t>(0, 2)};
    if (bytes.ConsumeBool()) {
      for (auto chunk = plan.chunks; chunk > 0; --chunk) {
        plan.seconds.push_back(bytes.ConsumeFloatingPoint<double>());
        plan.indices.push_back(chunk - 1);
      }
      plan.costs = plan.seconds;
    }
    fuzz_plan<Synthetic>(plan, bytes);
  } else {
    Synthetic::Partial partial{bytes.ConsumeIntegral<std::uint64_t>(), bytes.ConsumeFloatingPoint<double>(),
                               bytes.ConsumeIntegral<std::uint64_t>(), {}};
    for (const char c : text_of(bytes)) partial.payload.push_back(static_cast<unsigned char>(c));
    fuzz_partial<Synthetic>(partial, bytes);
  }
}

}  // namespace stint::fuzzing
