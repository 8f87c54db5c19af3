// SPDX-License-Identifier: Apache-2.0
// A job and its partials with their types hidden: what the engine sees. Made by Adapter (adapter.hpp); not for job
// authors. Exceptions of the job pass through, except from `compute` (see there).
#pragma once

#include <stint/context.hpp>
#include <stint/error.hpp>
#include <stint/options.hpp>
#include <stint/output.hpp>
#include <stint/range.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stint {

/// Owns one value of a type that only the job's adapter knows.
struct Hidden {
  virtual ~Hidden() = default;
};
using Partial = std::unique_ptr<Hidden>;
using Scratch = std::unique_ptr<Hidden>;

/// Receives the nodes and failures of `compute`.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void node(unsigned level, std::uint64_t index, Partial partial) = 0;
  virtual void failed(std::uint64_t chunk, std::string error, std::string detail) = 0;
};

class AnyJob {
 public:
  virtual ~AnyJob() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual std::string_view version() const = 0;  ///< empty: the job defines none
  [[nodiscard]] virtual bool parallel_chunks() const = 0;
  [[nodiscard]] virtual bool side_effects() const = 0;
  [[nodiscard]] virtual std::uint64_t fingerprint() const = 0;  ///< of the type of its partials
  [[nodiscard]] virtual std::uint64_t plan_fingerprint() const = 0;  ///< of the type of its plan

  virtual void options(Options& options) = 0;
  [[nodiscard]] virtual std::string source() = 0;       ///< part of the identity
  [[nodiscard]] virtual bool takes_over() const = 0;    ///< whether take_over() does anything
  virtual std::string take_over(std::vector<Partial> partials, const std::vector<FailedChunk>& failed) = 0;
  virtual void plan(const Context& context) = 0;        ///< makes the plan and keeps it
  virtual void adopt_plan(std::string_view bytes) = 0;  ///< keeps a plan made elsewhere
  [[nodiscard]] virtual std::string encode_plan() const = 0;
  [[nodiscard]] virtual std::uint64_t chunks() const = 0;
  [[nodiscard]] virtual std::vector<double> weights() const = 0;  ///< one a chunk; empty: all cost the same
  [[nodiscard]] virtual std::string describe(std::uint64_t chunk) const = 0;  ///< for people; empty: no text
  /// None: the job does not describe failures.
  [[nodiscard]] virtual std::optional<FailureText> describe_failure(const FailedChunk& failed,
                                                                    const Context& context) const = 0;
  /// For a done chunk, from a partial that covers it; empty: the job does not describe done chunks.
  [[nodiscard]] virtual TextRows describe_done(std::uint64_t chunk, const Hidden& partial, const Context& context) const = 0;
  [[nodiscard]] virtual std::string_view item() const = 0;  ///< what the user calls a chunk
  /// The user's number of a chunk, and back; std::out_of_range if there is none.
  [[nodiscard]] virtual std::uint64_t number_of(std::uint64_t chunk) const = 0;
  [[nodiscard]] virtual std::uint64_t chunk_of(std::uint64_t number) const = 0;
  virtual void prepare(const Context& context) = 0;
  [[nodiscard]] virtual Scratch scratch(const Context& context) const = 0;

  /// Computes the chunks and passes their partials to `sink` as the maximal nodes of the chunks that succeeded. Passes the
  /// exception of a chunk to `sink.failed`, but throws BadInput, and once `context.stop_requested()` also any
  /// std::exception other than ChunkError. Thread-safe if each thread has its own scratch.
  virtual void compute(Range chunks, int attempt, const RunFacts& facts, Hidden& scratch, Sink& sink) const = 0;
  virtual void reduce(Hidden& left, Partial right) const = 0;
  [[nodiscard]] virtual std::string encode(const Hidden& partial) const = 0;
  [[nodiscard]] virtual Partial decode(std::string_view bytes) const = 0;
  [[nodiscard]] virtual Partial empty() const = 0;  ///< null: the job has none
  [[nodiscard]] virtual bool follows() const = 0;  ///< whether the job wants the next five
  virtual void begin_follow(const Context& context) = 0;
  virtual void unload(Hidden& partial) = 0;
  virtual void follow(Range chunks, const Hidden& partial, Output& output) = 0;
  virtual void follow_failure(const FailedChunk& failed, Output& output) = 0;
  virtual void follow_end(Output& output) = 0;
  virtual void finish(Partial partial, Output& output) = 0;
};

}  // namespace stint
