// SPDX-License-Identifier: Apache-2.0
// Feeds what the board has of a worker: who it is, and what it says that it does. Nothing throws, and a valid record says what
// it was made of.
#include "fuzz.hpp"

#include "cli/run_view.hpp"
#include "engine/whereabouts.hpp"

namespace stint::fuzzing {

Whereabouts known_here() {
  const auto here = Whereabouts::here();
  require(known_alive(here.json(), here) && !known_gone(here.json(), here), "this process is alive");
  return here;
}

void fuzz(Bytes& bytes) {
  static const auto here = known_here();
  auto there = here;
  there.pid = bytes.ConsumeIntegral<std::int64_t>();
  there.rank = bytes.ConsumeIntegral<int>();
  there.guest = bytes.ConsumeBool();
  there.world = std::to_string(there.rank);
  there.lease = bytes.ConsumeFloatingPoint<double>();
  const auto valid = there.json();
  require(is_guest(valid) == there.guest && world_of(valid) == there.world, "a worker says who it is");
  require(worker_view("host/1.a", valid, "", 5, 2, here).rank == there.rank, "a worker says its rank");
  const std::string told = R"(1;{"done":1,"running":2,"oldest":3.5,"chunks":[{"chunk":4,"seconds":5.5,"what":"pid 6"}]})";
  const auto changed = bytes.ConsumeBool() ? hostile(told, bytes) : told;
  const auto who = hostile(valid, bytes);
  (void)is_guest(who);
  (void)world_of(who);
  (void)worker_view(who, who, changed, bytes.ConsumeFloatingPoint<double>(), 2, here);
}

}  // namespace stint::fuzzing
