// SPDX-License-Identifier: Apache-2.0
// Makes an AnyJob of a job author's struct; the compiler names the missing part. The loop over chunks is here, inside the
// job's own types, so that a small chunk costs nanoseconds: no allocation and no virtual call a chunk.
#pragma once

#include <stint/archive.hpp>
#include <stint/detail/any_job.hpp>
#include <stint/detail/job_checks.hpp>
#include <stint/error.hpp>
#include <stint/job.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

namespace stint {

template <class J>
class Adapter final : public AnyJob {
  static_assert(detail::is_job<J>);

  using Plan = PlanOf<J>;
  using Value = PartialOf<J>;
  template <class T>
  struct Holds final : Hidden {
    explicit Holds(T v) : value(std::move(v)) {}
    T value;
  };
  using Held = Holds<Value>;
  using HeldScratch = Holds<ScratchOf<J>>;

 public:
  std::string_view name() const override { return J::name; }
  std::string_view version() const override {
    if constexpr (requires { J::version; }) {
      return J::version;
    } else {
      return {};
    }
  }
  bool parallel_chunks() const override {
    if constexpr (requires { J::parallel_chunks; }) {
      return J::parallel_chunks;
    } else {
      return false;
    }
  }
  bool side_effects() const override {
    if constexpr (requires { J::side_effects; }) {
      return J::side_effects;
    } else {
      return false;
    }
  }
  std::uint64_t fingerprint() const override { return archive::fingerprint(typeid(Value).name(), sizeof(Value)); }
  std::uint64_t plan_fingerprint() const override { return archive::fingerprint(typeid(Plan).name(), sizeof(Plan)); }

  void options(Options& options) override {
    if constexpr (requires { job_.options(options); }) job_.options(options);
  }
  std::string source() override {
    if constexpr (requires { job_.source(); }) {
      return job_.source();
    } else {
      return {};
    }
  }
  bool takes_over() const override { return HasTakeOver<J>; }
  std::string take_over(std::vector<Partial> partials, const std::vector<FailedChunk>& failed) override {
    if constexpr (HasTakeOver<J>) {
      std::vector<Value> values;
      for (auto& partial : partials) values.push_back(std::move(static_cast<Held&>(*partial).value));
      return job_.take_over(*plan_, values, failed);
    } else {
      return {};
    }
  }
  void plan(const Context& context) override { plan_.emplace(job_.plan(context)); }
  void adopt_plan(std::string_view bytes) override {
    auto plan = archive::decode<Plan>(bytes);
    bool sound = true;
    if constexpr (requires { bool(plan.sound()); }) sound = plan.sound();
    if constexpr (requires { plan.weights(); }) {
      if (sound && !plan.weights().empty()) sound = plan.weights().size() == plan.size();
    }
    if (!sound) throw archive::DecodeError("its parts do not fit together");
    plan_.emplace(std::move(plan));
  }
  std::string encode_plan() const override { return archive::encode(*plan_); }
  std::uint64_t chunks() const override { return plan_->size(); }
  std::vector<double> weights() const override {
    if constexpr (requires { plan_->weights(); }) {
      return {plan_->weights().begin(), plan_->weights().end()};
    } else {
      return {};
    }
  }
  std::string describe(std::uint64_t chunk) const override {
    if constexpr (requires { std::string(job_.describe((*plan_)[chunk])); }) {
      return job_.describe((*plan_)[chunk]);
    } else {
      return {};
    }
  }
  std::optional<FailureText> describe_failure(const FailedChunk& failed, const Context& context) const override {
    if constexpr (requires { FailureText(job_.describe_failure(*plan_, failed, context)); }) {
      if (plan_) return job_.describe_failure(*plan_, failed, context);
    }
    return std::nullopt;
  }
  TextRows describe_done(std::uint64_t chunk, const Hidden& partial, const Context& context) const override {
    if constexpr (requires(const Value& value) { TextRows(job_.describe_done(*plan_, chunk, value, context)); }) {
      if (plan_) return job_.describe_done(*plan_, chunk, static_cast<const Held&>(partial).value, context);
    }
    return {};
  }
  std::string_view item() const override {
    if constexpr (requires { J::item; }) {
      return J::item;
    } else {
      return "chunk";
    }
  }
  std::uint64_t number_of(std::uint64_t chunk) const override {
    if constexpr (requires { J::item; }) {
      if (plan_) return plan_->number_of(chunk);
    }
    return chunk;
  }
  std::uint64_t chunk_of(std::uint64_t number) const override {
    if constexpr (requires { J::item; }) {
      if (plan_) return plan_->chunk_of(number);
    }
    return number;
  }
  void prepare(const Context& context) override {
    if constexpr (requires { job_.prepare(context); }) job_.prepare(context);
  }
  Scratch scratch(const Context& context) const override {
    return std::make_unique<HeldScratch>(detail::scratch_of(job_, context));
  }

  void compute(Range chunks, int attempt, const RunFacts& facts, Hidden& scratch, Sink& sink) const override {
    // A binary counter of finished nodes: the largest at the bottom; two siblings are merged at once.
    struct Done {
      unsigned level;
      std::uint64_t index;
      Value value;
    };
    std::vector<Done> stack;
    auto flush = [&] {
      for (auto& node : stack) sink.node(node.level, node.index, std::make_unique<Held>(std::move(node.value)));
      stack.clear();
    };
    auto& own = static_cast<HeldScratch&>(scratch).value;
    for (std::uint64_t chunk = chunks.first; chunk < chunks.last; ++chunk) {
      const Context context(facts, chunk, attempt);
      if (facts.at_work != nullptr) facts.at_work->store(chunk, std::memory_order_relaxed);
      try {
        stack.push_back({0, chunk, detail::compute_of(job_, (*plan_)[chunk], context, own)});
      } catch (const BadInput&) {
        throw;
      } catch (const ChunkError& error) {
        flush();
        sink.failed(chunk, error.what(), error.detail());
        continue;
      } catch (const std::exception& error) {
        if (context.stop_requested()) {
          flush();
          throw;
        }
        flush();
        sink.failed(chunk, error.what(), {});
        continue;
      } catch (...) {
        flush();
        sink.failed(chunk, "an exception that is no std::exception", {});
        continue;
      }
      while (stack.size() > 1 && stack.back().index % 2 == 1) {
        Done& left = stack[stack.size() - 2];
        Done& right = stack.back();
        if (left.level != right.level || left.index + 1 != right.index) break;
        job_.reduce(left.value, std::move(right.value));
        stack.pop_back();
        stack.back().level += 1;
        stack.back().index /= 2;
      }
    }
    flush();
  }
  void reduce(Hidden& left, Partial right) const override {
    job_.reduce(static_cast<Held&>(left).value, std::move(static_cast<Held&>(*right).value));
  }
  std::string encode(const Hidden& partial) const override {
    return archive::encode(static_cast<const Held&>(partial).value);
  }
  Partial decode(std::string_view bytes) const override {
    return std::make_unique<Held>(archive::decode<Value>(bytes));
  }
  Partial empty() const override {
    if constexpr (requires { Value(job_.empty()); }) {
      return std::make_unique<Held>(job_.empty());
    } else {
      return nullptr;
    }
  }
  bool follows() const override { return HasFollow<J>; }
  void begin_follow(const Context& context) override {
    if constexpr (HasFollow<J>) job_.begin_follow(*plan_, context);
  }
  void unload(Hidden& partial) override {
    if constexpr (requires(Value& value) { job_.unload(value); }) job_.unload(static_cast<Held&>(partial).value);
  }
  void follow(Range chunks, const Hidden& partial, Output& output) override {
    if constexpr (HasFollow<J>) job_.follow(chunks, static_cast<const Held&>(partial).value, output);
  }
  void follow_failure(const FailedChunk& failed, Output& output) override {
    if constexpr (HasFollow<J>) job_.follow_failure(failed, output);
  }
  void follow_end(Output& output) override {
    if constexpr (requires { job_.follow_end(output); }) job_.follow_end(output);
  }
  void finish(Partial partial, Output& output) override {
    job_.finish(std::move(static_cast<Held&>(*partial).value), output);
  }

 private:
  J job_{};
  std::optional<Plan> plan_;
};

/// Null if J is not a job: a static_assert has named the reason.
template <class J>
std::unique_ptr<AnyJob> make_job() {
  if constexpr (detail::is_job<J>) {
    return std::make_unique<Adapter<J>>();
  } else {
    return nullptr;
  }
}

}  // namespace stint
