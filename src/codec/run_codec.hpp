// SPDX-License-Identifier: Apache-2.0
// The values of one run as frames, each bound to its place: the run's identity, the chunks of its plan, and the name
// of the value there. Reading throws FrameError, or what the job's decoding throws, unless the value is whole and was
// written for this place.
#pragma once

#include <stint/detail/any_job.hpp>

#include "base/node.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace stint::codec {

class RunCodec {
 public:
  /// `identity`: JSON of the run's identity, as on the blackboard. `chunks`: the number in its plan.
  RunCodec(const AnyJob& job, std::string identity, std::uint64_t chunks)
      : job_(job), identity_(std::move(identity)), chunks_(chunks) {}

  [[nodiscard]] std::string plan() const;  ///< the frame of the job's plan
  [[nodiscard]] std::string plan_bytes(std::string_view frame) const;  ///< for AnyJob::adopt_plan
  [[nodiscard]] std::string node(const Node& node, const Hidden& partial) const;
  [[nodiscard]] Partial node(const Node& node, std::string_view frame) const;
  /// `done`: the number of chunks that the result covers.
  [[nodiscard]] std::string result(const Hidden& partial, std::uint64_t done) const;
  [[nodiscard]] Partial result(std::string_view frame, std::uint64_t done) const;
  [[nodiscard]] std::uint64_t chunks() const { return chunks_; }

 private:
  const AnyJob& job_;
  const std::string identity_;
  const std::uint64_t chunks_;
};

}  // namespace stint::codec
