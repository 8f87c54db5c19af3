// SPDX-License-Identifier: Apache-2.0
// Whether a struct is a job, with one sentence for each possible reason against. A member that has the name of a part and
// another signature would compile and never be called: it is an error.
#pragma once

#include <stint/detail/holds_pointer.hpp>
#include <stint/job.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace stint::detail {

// `names_x<J>()`: J has a member x, whatever it is, also a private one (then &With_x::x is ambiguous, or not
// accessible). `field_x<J>`: it is a field, not a function. `lacks_x<J>`: there is no function x.
#define STINT_DETAIL_MEMBER(x)                                                                  \
  struct Other_##x {                                                                            \
    int x;                                                                                      \
  };                                                                                            \
  template <class J>                                                                            \
  struct With_##x : J, Other_##x {};                                                            \
  template <class J>                                                                            \
  consteval bool names_##x() {                                                                  \
    if constexpr (std::is_final_v<J>) {                                                         \
      return requires { &J::x; };                                                               \
    } else {                                                                                    \
      return !requires { &With_##x<J>::x; };                                                    \
    }                                                                                           \
  }                                                                                             \
  template <class J>                                                                            \
  constexpr bool field_##x = requires { requires points_to_object<decltype(&J::x)>; };          \
  template <class J>                                                                            \
  constexpr bool lacks_##x = !names_##x<J>() || field_##x<J>;

template <class P>
constexpr bool points_to_object =
    std::is_member_object_pointer_v<P> || (std::is_pointer_v<P> && std::is_object_v<std::remove_pointer_t<P>>);

STINT_DETAIL_MEMBER(about)
STINT_DETAIL_MEMBER(version)
STINT_DETAIL_MEMBER(parallel_chunks)
STINT_DETAIL_MEMBER(side_effects)
STINT_DETAIL_MEMBER(options)
STINT_DETAIL_MEMBER(source)
STINT_DETAIL_MEMBER(take_over)
STINT_DETAIL_MEMBER(weights)
STINT_DETAIL_MEMBER(describe)
STINT_DETAIL_MEMBER(prepare)
STINT_DETAIL_MEMBER(scratch)
STINT_DETAIL_MEMBER(empty)
STINT_DETAIL_MEMBER(begin_follow)
STINT_DETAIL_MEMBER(follow)
STINT_DETAIL_MEMBER(follow_failure)
STINT_DETAIL_MEMBER(unload)
STINT_DETAIL_MEMBER(follow_end)
#undef STINT_DETAIL_MEMBER

template <class J>
concept ConstantAbout = requires { requires std::is_pointer_v<decltype(&J::about)>; } && requires {
  typename std::integral_constant<std::size_t, std::string_view(J::about).size()>;
};
template <class J>
concept ConstantVersion = field_version<J> && requires {
  std::string_view(J::version);
  requires !std::is_member_object_pointer_v<decltype(&J::version)>;
};
template <class J>
concept ConstantParallelChunks = field_parallel_chunks<J> && requires {
  static_cast<bool>(J::parallel_chunks);
  requires !std::is_member_object_pointer_v<decltype(&J::parallel_chunks)>;
};
template <class J>
concept ConstantSideEffects = field_side_effects<J> && requires {
  static_cast<bool>(J::side_effects);
  requires !std::is_member_object_pointer_v<decltype(&J::side_effects)>;
};

template <class J>
concept OptionsRight = requires(J job, Options& options) { job.options(options); };
template <class J>
concept SourceRight = requires(J job) { std::string(job.source()); };
template <class J>
concept PrepareRight = requires(J job, const Context& context) { job.prepare(context); };
template <class J>
concept DescribeRight = requires(const J job, ItemOf<J> item) { std::string(job.describe(item)); };
template <class J>
concept EmptyRight = requires(const J job) { PartialOf<J>(job.empty()); };
template <class J>
concept FollowEndRight = requires(J job, Output& output) { job.follow_end(output); };
// A function that also takes a temporary takes its argument by value or const: its changes would be lost.
template <class J>
concept UnloadRight = requires(J job, PartialOf<J>& partial) { job.unload(partial); } &&
                      !requires(J job, PartialOf<J>& partial) { job.unload(std::move(partial)); };
template <class J>
concept ReduceChangesLeft =
    !requires(const J job, PartialOf<J>& left, PartialOf<J> right) { job.reduce(std::move(left), std::move(right)); };
template <class J>
concept ReduceReturnsNothing = requires(const J job, PartialOf<J>& left, PartialOf<J> right) {
  { job.reduce(left, std::move(right)) } -> std::same_as<void>;
};
template <class P>
concept WeightsRight = requires(const P plan) {
  { *plan.weights().begin() } -> std::convertible_to<double>;
  plan.weights().end();
};

template <class J>
consteval bool constants_are_right() {
  constexpr bool about = !names_about<J>() || ConstantAbout<J>;
  constexpr bool version = !names_version<J>() || ConstantVersion<J>;
  constexpr bool parallel_chunks = !names_parallel_chunks<J>() || ConstantParallelChunks<J>;
  constexpr bool side_effects = !names_side_effects<J>() || ConstantSideEffects<J>;
  static_assert(HasName<J>, "the job lacks: static constexpr auto name = \"…\", public");
  static_assert(about, "the job's `about` has to be: static constexpr auto about = \"…\", public");
  static_assert(version, "the job's `version` has to be: static constexpr auto version = \"…\", public");
  static_assert(parallel_chunks, "the job's `parallel_chunks` has to be: static constexpr bool, public");
  static_assert(side_effects, "the job's `side_effects` has to be: static constexpr bool, public");
  return HasName<J> && about && version && parallel_chunks && side_effects;
}

// The parts that depend on neither items nor partials.
template <class J>
consteval bool plain_parts_are_right() {
  constexpr bool options = OptionsRight<J> || lacks_options<J>;
  constexpr bool source = SourceRight<J> || lacks_source<J>;
  constexpr bool prepare = PrepareRight<J> || lacks_prepare<J>;
  static_assert(options, "`options` would register nothing; it has to be public: options(stint::Options&)");
  static_assert(source, "`source` would never be called; it has to be public: source() -> std::string");
  static_assert(prepare, "`prepare` would never be called; it has to be public: prepare(const stint::Context&)");
  return options && source && prepare;
}

template <class J>
consteval bool plan_is_right() {
  static_assert(HasPlan<J>,
                "the job lacks: plan(const stint::Context&), public, giving size() const and operator[](chunk) const");
  if constexpr (HasPlan<J>) {
    using P = PlanOf<J>;
    constexpr bool weights = !std::is_class_v<P> || WeightsRight<P> || lacks_weights<P>;
    constexpr bool plain = !holds_pointer<P>();
    constexpr bool describe = DescribeRight<J> || lacks_describe<J>;
    static_assert(weights, "the plan's `weights` would never be called; it has to be public: weights() const, giving numbers");
    static_assert(plain, "the plan holds a pointer or a view, which means nothing on another rank; let it hold the values");
    static_assert(describe, "`describe` would never be called; it has to be public: describe(item) const -> std::string, "
                            "for the items of the plan");
    return weights && plain && describe;
  } else {
    return false;
  }
}

// For a job whose plan is valid.
template <class J>
consteval bool compute_is_right() {
  constexpr bool scratch = HasScratch<J> || lacks_scratch<J>;
  static_assert(scratch, "`scratch` would never be called; it has to be public: scratch(const stint::Context&) const");
  if constexpr (scratch) {
    constexpr bool something = std::is_object_v<ScratchOf<J>>;
    static_assert(something, "`scratch` returns nothing; it has to return one thread's object");
    if constexpr (something) {
      constexpr bool computes = ComputesPlain<J> || ComputesWithScratch<J>;
      constexpr bool takes_scratch = !computes || !HasScratch<J> || ComputesWithScratch<J>;
      static_assert(computes, "the job lacks: compute(item, const stint::Context&[, scratch&]) const, public, for the "
                              "items of its plan");
      static_assert(takes_scratch, "`compute` takes no scratch; with `scratch` it has to be: compute(item, const "
                                   "stint::Context&, scratch&) const");
      return computes && takes_scratch;
    } else {
      return false;
    }
  } else {
    return false;
  }
}

template <class J>
consteval bool partial_is_right() {
  using P = PartialOf<J>;
  static_assert(std::is_object_v<P>, "`compute` returns nothing; it has to return the chunk's partial, by value");
  if constexpr (std::is_object_v<P>) {
    constexpr bool plain = !holds_pointer<P>();
    constexpr bool made = std::is_default_constructible_v<P> && std::is_move_constructible_v<P>;
    static_assert(plain, "the partial that `compute` returns holds a pointer or a view, which means nothing on another "
                         "rank; let it hold the values (std::string, std::vector)");
    static_assert(made, "the partial that `compute` returns has to be default constructible and movable");
    return plain && made;
  } else {
    return false;
  }
}

template <class J>
consteval bool reduce_is_right() {
  static_assert(HasReduce<J>, "the job lacks: reduce(Partial& left, Partial right) const, public, for what compute returns");
  if constexpr (HasReduce<J>) {
    static_assert(ReduceReturnsNothing<J>, "what `reduce` returns would be lost; it has to return void and to change left: "
                                           "void reduce(Partial& left, Partial right) const");
    if constexpr (ReduceReturnsNothing<J>) {
      static_assert(ReduceChangesLeft<J>, "`reduce` would change a copy; it has to take left by reference: "
                                          "void reduce(Partial& left, Partial right) const");
    }
    return ReduceReturnsNothing<J> && ReduceChangesLeft<J>;
  } else {
    return false;
  }
}

template <class J>
consteval bool end_is_right() {
  constexpr bool empty = EmptyRight<J> || lacks_empty<J>;
  constexpr bool take_over = HasTakeOver<J> || lacks_take_over<J>;
  static_assert(HasFinish<J>, "the job lacks: finish(Partial, stint::Output&), public, for what compute returns");
  static_assert(empty, "`empty` would never be called; it has to be public: empty() const -> Partial");
  static_assert(take_over, "`take_over` would never be called; it has to be public: take_over(const Plan&, const "
                           "std::vector<Partial>&, const std::vector<stint::FailedChunk>&) -> std::string");
  return HasFinish<J> && empty && take_over;
}

template <class J>
consteval bool follow_is_right() {
  constexpr bool wanted = !lacks_begin_follow<J> || !lacks_follow<J> ||
                          !lacks_follow_failure<J> || !lacks_unload<J> ||
                          !lacks_follow_end<J>;
  constexpr bool whole = !wanted || HasFollow<J>;
  static_assert(whole, "parts that follow the run would never be called; all three are needed, public: begin_follow(const "
                       "Plan&, const stint::Context&), follow(stint::Range, const Partial&, stint::Output&), "
                       "follow_failure(const stint::FailedChunk&, stint::Output&)");
  if constexpr (whole) {
    constexpr bool unload = UnloadRight<J> || lacks_unload<J>;
    constexpr bool follow_end = FollowEndRight<J> || lacks_follow_end<J>;
    static_assert(unload, "`unload` would never be called, or for a copy; it has to be public: unload(Partial&)");
    static_assert(follow_end, "`follow_end` would never be called; it has to be public: follow_end(stint::Output&)");
    return unload && follow_end;
  } else {
    return false;
  }
}

/// One cause, one message: a part that depends on a wrong part is not checked.
template <class J>
consteval bool check_job() {
  static_assert(std::is_default_constructible_v<J>, "a job has to be default constructible: Stint makes it, and `options` sets it");
  constexpr bool constants = constants_are_right<J>(), plain_parts = plain_parts_are_right<J>();
  if constexpr (plan_is_right<J>()) {
    if constexpr (compute_is_right<J>()) {
      if constexpr (partial_is_right<J>()) {
        constexpr bool reduce = reduce_is_right<J>(), end = end_is_right<J>(), follow = follow_is_right<J>();
        return std::is_default_constructible_v<J> && constants && plain_parts && reduce && end && follow;
      }
    }
  }
  return false;
}

template <class J>
constexpr bool is_job = check_job<J>();

template <class J>
constexpr std::string_view name_of() {
  if constexpr (HasName<J>) {
    return J::name;
  } else {
    return {};
  }
}
template <class J>
constexpr std::string_view about_of() {
  if constexpr (ConstantAbout<J>) {
    return J::about;
  } else {
    return {};
  }
}

}  // namespace stint::detail
