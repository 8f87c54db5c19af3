// SPDX-License-Identifier: Apache-2.0
// Feeds what may stand in the record of a run on the board: fields, names of nodes, failures, errors of Redis. Nothing throws;
// fields without fault give the state that they spell, and a name of a node is the one name of that node.
#include "fuzz.hpp"

#include "blackboard/run_record.hpp"
#include "cli/stored_result.hpp"

namespace stint::fuzzing {

constexpr const char* names[] = {"run", "job", "program", "identity", "options", "created", "state", "generation", "chunks",
                                 "done", "failed", "slots", "steps", "retries", "node_limit", "byte_limit", "node_bytes",
                                 "computed", "again", "steals", "reaped", "failures", "busy"};

void fuzz(Bytes& bytes) {
  std::map<std::string, std::string> fields;
  for (const auto* name : names) fields[name] = std::to_string(bytes.ConsumeIntegralInRange<std::uint64_t>(0, 999'999'999'999'999'999));
  fields["state"] = bytes.PickValueInArray({"running", "done", "partial", "failed", "cancelled"});
  require(fault_in(fields).empty(), "a record that a script wrote has no fault");
  if (bytes.ConsumeBool()) fields[bytes.PickValueInArray(names)] = text_of(bytes);
  if (bytes.ConsumeBool()) fields.erase(bytes.PickValueInArray(names));
  if (fault_in(fields).empty()) {
    const auto state = state_of(fields);
    require(std::to_string(state.chunks) == fields["chunks"] && std::to_string(state.done) == fields["done"] &&
                std::to_string(state.generation) == fields["generation"],
            "a state has the numbers of its fields");
  }
  const Node valid{bytes.ConsumeIntegralInRange(0U, 32U), bytes.ConsumeIntegral<std::uint32_t>()};
  require(node_named(valid.name()) == valid, "a node is found by its name");
  const auto text = hostile(valid.name(), bytes);
  if (const auto node = node_named(text)) {
    require(node->name() == text, "a node has one name");
    require(node->first() < node->last(), "a node has chunks");
  }
  require(failed_chunks({{7, text}}).size() == 1, "a failure counts whatever is kept of it");
  (void)tells_of_damage(redis::Refused(text));
  (void)short_reason(text);
}

}  // namespace stint::fuzzing
