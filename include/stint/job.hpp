// SPDX-License-Identifier: Apache-2.0
// What a job is. A job is a plain struct; Stint calls its parts in this order:
//
//   options(Options&)            optional   registers its fields as options
//   plan(Context) -> Plan        leader     the list of chunks, once (see plan.hpp, input.hpp)
//   prepare(Context)             optional   once a rank, after options and plan: load a model, open a file
//   scratch(Context) -> S        optional   one object a thread: buffers, generators, FFT plans
//   compute(item, Context[, S&]) -> Partial         for every chunk, on any rank; const, since threads share the job
//   reduce(Partial& left, Partial right)            merges the partial of the chunks right after left's into left
//   begin_follow(const Plan&, Context)       leader, optional   the job wants to show results during the run:
//   unload(Partial&)             leader, optional   before follow: removes what must not go further up the tree
//   follow(Range, const Partial&, Output&)   leader             each partial, in any order, perhaps twice
//   follow_failure(FailedChunk, Output&)     leader             each chunk that failed for good
//   follow_end(Output&)          leader, optional   after the last follow, if finish is not called: the run halted
//   finish(Partial, Output&)     leader     writes the result
//
// A job may have these constants:
//   `name`             needed
//   `about`            one line for --help
//   `version`          text; without it the digest of the program file is the version
//   `parallel_chunks`  true: compute uses OpenMP itself, and a rank computes its chunks one after another; else each
//                      thread computes chunks of its own
//   `side_effects`     true: compute changes something outside the run: the end of a chunk is committed at once, there are
//                      no speculative copies of it, and a retry only if --retries allows it
//   `item`             what the user calls a chunk ("command"); the plan then has number_of(chunk) and
//                      chunk_of(number), for the numbers that the user knows
// and these functions, each optional:
//   empty() -> Partial                  the result of a plan without chunks
//   describe(item) -> string            the text of a chunk, for `run --dry-run` and messages
//   describe_failure(const Plan&, const FailedChunk&, const Context&) const -> FailureText
//                                       a failed chunk, for the end of the run and for `stint explain`
//   describe_done(const Plan&, chunk, const Partial&, const Context&) const -> TextRows
//                                       a done chunk, for `stint explain`; the partial covers that chunk
//   source() -> string                  part of the run's identity beside options and files; with the working folder it
//                                       names the run. Empty: the source is not available in this call, and that of
//                                       the run with this --run-id counts.
//   take_over(const Plan& old, const std::vector<Partial>&, const std::vector<FailedChunk>&) -> string
//                                       before plan, when the text of source() has changed: gets what the run of the
//                                       old text did, to reuse it in the new run; Stint prints the string
//
// A member with one of these names and another signature does not compile: Stint would never call it.
// A Partial is what compute returns: by value, movable, default constructible, serialisable (trivially copyable, or by
// Boost.Serialization), and without pointers: its bytes travel to other ranks.
// `reduce` must be associative in meaning, not in bits, and need not be commutative: Stint merges by a fixed tree.
#pragma once

#include <stint/context.hpp>
#include <stint/error.hpp>
#include <stint/options.hpp>
#include <stint/output.hpp>
#include <stint/range.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace stint {

template <class J>
concept HasName = requires { requires std::is_pointer_v<decltype(&J::name)>; } && requires {
  { J::name } -> std::convertible_to<std::string_view>;
  typename std::integral_constant<std::size_t, std::string_view(J::name).size()>;
};

template <class J>
using PlanOf = std::decay_t<decltype(std::declval<J&>().plan(std::declval<const Context&>()))>;
template <class J>
concept HasPlan = requires(J job, const Context& context) { job.plan(context); } && requires(const PlanOf<J>& plan) {
  { plan.size() } -> std::convertible_to<std::uint64_t>;
  plan[std::uint64_t{0}];
};
template <class J>
concept HasScratch = requires(const J job, const Context& context) { job.scratch(context); };

namespace detail {
struct NoScratch {};
template <class J>
auto scratch_of(const J& job, const Context& context) {
  if constexpr (HasScratch<J>) {
    return job.scratch(context);
  } else {
    return NoScratch{};
  }
}
}  // namespace detail

template <class J>
using ItemOf = decltype(std::declval<const PlanOf<J>&>()[std::uint64_t{0}]);
template <class J>
using ScratchOf = decltype(detail::scratch_of(std::declval<const J&>(), std::declval<const Context&>()));

template <class J>
concept ComputesPlain = requires(const J job, ItemOf<J> item, const Context& context) { job.compute(item, context); };
template <class J>
concept ComputesWithScratch = requires(const J job, ItemOf<J> item, const Context& context, ScratchOf<J>& scratch) {
  job.compute(item, context, scratch);
};

namespace detail {
template <class J>
auto compute_of(const J& job, ItemOf<J> item, const Context& context, ScratchOf<J>& scratch) {
  if constexpr (ComputesWithScratch<J>) {
    return job.compute(item, context, scratch);
  } else {
    return job.compute(item, context);
  }
}
}  // namespace detail

template <class J>
using PartialOf = decltype(detail::compute_of(std::declval<const J&>(), std::declval<ItemOf<J>>(),
                                              std::declval<const Context&>(), std::declval<ScratchOf<J>&>()));
template <class J>
concept HasReduce = requires(const J job, PartialOf<J>& left, PartialOf<J> right) { job.reduce(left, std::move(right)); };
template <class J>
concept HasFinish = requires(J job, PartialOf<J> partial, Output& output) { job.finish(std::move(partial), output); };

template <class J>
concept HasFollow = requires(J job, const PlanOf<J>& plan, const Context& context, Range chunks,
                             const PartialOf<J>& partial, const FailedChunk& failed, Output& output) {
  job.begin_follow(plan, context);
  job.follow(chunks, partial, output);
  job.follow_failure(failed, output);
};

template <class J>
concept HasTakeOver = requires(J job, const PlanOf<J>& old, const std::vector<PartialOf<J>>& partials,
                               const std::vector<FailedChunk>& failed) {
  { job.take_over(old, partials, failed) } -> std::convertible_to<std::string>;
};

}  // namespace stint
