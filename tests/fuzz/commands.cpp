// SPDX-License-Identifier: Apache-2.0
// Feeds plans, partials and failures of the job `commands` to it: see fuzz_plan and fuzz_partial for what must hold. Each
// record of a partial can be read, and a failure can be described whatever is kept of it.
#include "fuzz.hpp"

#include "commands/commands.hpp"

#include <iostream>

namespace stint::fuzzing {

using namespace commands;

Record record_from(Bytes& bytes) {
  Record record;
  record.number = bytes.ConsumeIntegralInRange<std::uint64_t>(1, 3);
  record.exit = bytes.ConsumeIntegral<std::int32_t>();
  record.signal = bytes.ConsumeIntegral<std::int8_t>();
  record.seconds = bytes.ConsumeFloatingPointInRange(0.0, 1e9);
  record.host = "host" + std::to_string(record.number);
  record.place = {"log", bytes.ConsumeIntegral<std::uint64_t>(), 1, 2, 3};
  if (bytes.ConsumeBool()) record.copy = {"copy", 4, 3, 2, bytes.ConsumeIntegral<std::uint64_t>()};
  record.carried = {text_of(bytes), text_of(bytes)};
  return record;
}

void fuzz_failure(Bytes& bytes) {
  const auto valid = commands::text_of(record_from(bytes));
  require(commands::text_of(record_of(valid)) == valid, "a record is the same after its way through a text");
  CommandList list;
  list.add("true", {});
  Adapter<Commands> job;
  job.adopt_plan(archive::encode(list));
  const FailedChunk failed{0, fuzzing::text_of(bytes), "host", 1, hostile(valid, bytes)};
  RunFacts facts;
  facts.store_dir = "/nowhere";
  require(job.describe_failure(failed, Context(facts)).has_value(), "a failure has a text");
  support::MemoryOutput output;
  std::cerr.setstate(std::ios::failbit);  // where an output is not kept, that is said there
  job.begin_follow(Context(facts));
  job.follow_failure(failed, output);
}

void fuzz(Bytes& bytes) {
  switch (bytes.ConsumeIntegralInRange(0, 2)) {
    case 0: {
      CommandList list;
      for (int left = 3; left > 0; --left) list.add("echo " + std::to_string(left), {std::to_string(left)});
      if (bytes.ConsumeBool()) list.begin_in({2, 3, 1}, {3, 2, 1});
      if (bytes.ConsumeBool()) list.add_earlier(2, {record_from(bytes), "exit code 1"});
      fuzz_plan<Commands>(list, bytes);
      return;
    }
    case 1: {
      Records records;
      for (int left = bytes.ConsumeIntegralInRange(0, 3); left > 0; --left) records.add(record_from(bytes));
      if (bytes.ConsumeBool()) {
        fuzz_partial<Commands>(records, bytes);
      } else {
        const auto text = hostile(archive::encode(records), bytes);
        const auto read = unless_refused<archive::DecodeError>([&] { return archive::decode<Records>(text); });
        if (read) read->each([](const Record&) {});
      }
      return;
    }
    default:
      fuzz_failure(bytes);
  }
}

}  // namespace stint::fuzzing
