// SPDX-License-Identifier: Apache-2.0
#include "cli/stored_result.hpp"

#include "base/error.hpp"
#include "base/json_field.hpp"
#include "base/program.hpp"
#include "codec/run_codec.hpp"

#include <nlohmann/json.hpp>

#include <exception>

namespace stint {

RunState present_state(Blackboard& board, const std::string& run) {
  auto state = board.state();
  if (!state) {
    throw Error(Exit::usage, "run " + run + " is in the list but no longer on the blackboard; " + typed("rm " + run) +
                                 " takes it out");
  }
  return *state;
}

std::vector<FailedChunk> failed_chunks(const std::map<std::uint64_t, std::string>& failures) {
  std::vector<FailedChunk> list;
  for (const auto& [chunk, text] : failures) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    const std::string unknown = "what is kept of its failure cannot be read";
    list.push_back({chunk, json_field(json, "error", json.is_object() ? std::string() : unknown), json_field(json, "host", std::string()),
                    json_field(json, "attempts", 0), json_field(json, "detail", std::string())});
  }
  return list;
}

codec::RunCodec codec_of(const AnyJob& job, const RunState& state) {
  return {job, state.field("identity"), state.chunks};
}

void adopt_stored_plan(AnyJob& job, Blackboard& board, const RunState& state, const std::string& run) {
  const auto frame = board.plan();
  if (frame.empty()) {
    const auto now = board.state();
    if (now && now->generation == state.generation && now->state == state.state) {
      throw Error(Exit::damaged, damaged_record(run, "its plan is missing"));
    }
    throw Error(Exit::interrupted, "run " + run + " has just been ended or removed; the same command continues");
  }
  try {
    job.adopt_plan(codec_of(job, state).plan_bytes(frame));
    if (job.chunks() != state.chunks) throw std::runtime_error("it has " + std::to_string(job.chunks()) + " chunks");
  } catch (const std::exception& error) {
    throw Error(Exit::damaged, "the plan of run " + run + " cannot be read: " + error.what() + "; give --fresh to begin anew");
  }
}

Partial stored_result(const AnyJob& job, Blackboard& board, const RunState& state, const std::string& run) {
  const auto frame = board.result();
  const bool empty = frame && frame->empty();
  if (empty && state.done == 0 && state.failed > 0) return nullptr;
  if (!frame || empty) {
    throw Error(Exit::damaged, "the result of run " + run + " is missing on the blackboard; give --fresh to compute it anew");
  }
  try {
    return codec_of(job, state).result(*frame, state.done);
  } catch (const std::exception& error) {
    throw Error(Exit::damaged, "the stored result of run " + run + " cannot be read: " + error.what() +
                                   "; give --fresh to compute it anew");
  }
}

namespace {

std::vector<std::pair<Range, Partial>> parts_in(const std::vector<Node>& nodes, const AnyJob& job, Blackboard& board,
                                                const RunState& state, const std::string& run) {
  const auto codec = codec_of(job, state);
  std::vector<std::pair<Range, Partial>> parts;
  const auto frames = board.frames(nodes);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (frames[i].empty()) continue;  // merged into another node meanwhile
    try {
      parts.emplace_back(nodes[i].range(), codec.node(nodes[i], frames[i]));
    } catch (const std::exception& error) {
      throw Error(Exit::damaged, "the stored partial of chunks " + std::to_string(nodes[i].first()) + " to " +
                                     std::to_string(nodes[i].last() - 1) + " of run " + run + " cannot be read: " +
                                     error.what() + "; the command that began the run computes them again");
    }
  }
  return parts;
}

}  // namespace

std::vector<std::pair<Range, Partial>> stored_parts(const AnyJob& job, Blackboard& board, const RunState& state,
                                                    const std::string& run) {
  return parts_in(board.nodes(), job, board, state, run);
}

Partial stored_part(const AnyJob& job, Blackboard& board, const RunState& state, const std::string& run, std::uint64_t chunk) {
  for (int tries = 0; tries < 3; ++tries) {  // the node may be merged into another meanwhile
    auto nodes = board.nodes();
    std::erase_if(nodes, [&](const Node& node) { return chunk < node.first() || chunk >= node.last(); });
    auto parts = parts_in(nodes, job, board, state, run);
    if (!parts.empty()) return std::move(parts.front().second);
    if (nodes.empty()) break;
  }
  return nullptr;
}

void show_stored_parts(AnyJob& job, Blackboard& board, const RunState& state, const RunFacts& facts,
                       ResultOutput& output, bool following) {
  output.go_live();
  if (!following) {
    adopt_stored_plan(job, board, state, facts.run);
    job.begin_follow(Context(facts));
  }
  for (const auto& failed : failed_chunks(board.failures())) job.follow_failure(failed, output);
  for (const auto& [chunks, part] : stored_parts(job, board, state, facts.run)) job.follow(chunks, *part, output);
  job.follow_end(output);
  output.publish();
}

void show_stored_result(AnyJob& job, Blackboard& board, const RunState& state, const RunFacts& facts,
                        ResultOutput& output, bool following) {
  const auto& run = facts.run;
  Partial result = stored_result(job, board, state, run);
  if (!result) return;
  if (job.follows()) {
    output.go_live();
    if (!following) {
      adopt_stored_plan(job, board, state, run);
      job.begin_follow(Context(facts));
    }
    for (const auto& failed : failed_chunks(board.failures())) job.follow_failure(failed, output);
    job.follow({0, state.chunks}, *result, output);
  }
  job.finish(std::move(result), output);
  output.publish();
}

}  // namespace stint
