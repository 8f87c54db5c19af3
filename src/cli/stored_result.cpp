// SPDX-License-Identifier: Apache-2.0
#include "cli/stored_result.hpp"

#include "base/error.hpp"
#include "codec/frame.hpp"

#include <exception>

namespace stint {

void show_stored_result(AnyJob& job, Blackboard& board, const RunState& state, const std::string& run,
                        ResultOutput& output) {
  const auto frame = board.result();
  if (!frame) throw Error(Exit::damaged, "the result of run " + run + " is missing; give --fresh to compute it anew");
  if (frame->empty()) return;
  Partial result;
  try {
    result = job.decode(codec::unwrap({'r', job.fingerprint(), state.done}, *frame));
  } catch (const std::exception& error) {
    throw Error(Exit::damaged, "the stored result of run " + run + " cannot be read: " + error.what() +
                                   "; give --fresh to compute it anew");
  }
  job.finish(std::move(result), output);
  output.publish();
}

}  // namespace stint
