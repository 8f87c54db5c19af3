// SPDX-License-Identifier: Apache-2.0
// A benchmark and test job: its chunks take a given time, and fail, crash or hang on demand; its partials have a given
// size. The output shows whether every chunk came once and in its place: the sum adds numbers of very different size, so
// it depends on the order of the additions; the digest depends on the order of all merges and on every bit of the
// payload.
#pragma once

#include <stint/stint.hpp>

#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Chunks named on the command line: `3,17,20-25`, or `3,17,20-25:2` for their first two attempts only.
class ChunkList {
 public:
  ChunkList() = default;
  /// Throws std::invalid_argument that names `option`.
  ChunkList(std::string_view option, std::string_view text);

  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] bool names(std::uint64_t chunk, int attempt) const;
  /// One past the last chunk named.
  [[nodiscard]] std::uint64_t end() const;

 private:
  std::vector<stint::Range> ranges_;
  std::uint64_t attempts_ = ~std::uint64_t{0};
};

/// Uses the processor until this thread has used `seconds` of processor time.
void spin(double seconds, const stint::Context* context = nullptr);

struct Synthetic {
  static constexpr auto name = "synthetic";
  static constexpr auto about = "chunks of given length, size and faults, to measure and to test with";
  static constexpr auto version = "1";

  std::uint64_t chunks = 0;
  double seconds = 0;
  std::string skew = "none";
  std::string work = "sleep";
  stint::Inputs durations;
  bool longest_first = false;
  std::uint64_t payload = 0;
  std::uint64_t crash_signal = 9;
  std::string fail_chunks, crash_chunks, hang_chunks;
  std::string crash_step = "none";
  std::string append;

  struct Item {
    std::uint64_t index;  ///< of the chunk in the order without longest_first
    double seconds;
  };
  struct Plan {
    std::uint64_t chunks = 0;
    double mean = 0;
    std::uint32_t skew = 0;                   ///< index into none, linear, pareto
    std::vector<double> seconds = {};         ///< one a chunk, if given; else empty
    std::vector<std::uint64_t> indices = {};  ///< with longest first: chunk → index
    std::vector<double> costs = {};           ///< the costs of those chunks

    [[nodiscard]] std::uint64_t size() const { return chunks; }
    [[nodiscard]] Item operator[](std::uint64_t chunk) const {
      if (!seconds.empty()) return {indices.empty() ? chunk : indices[chunk], seconds[chunk]};
      return {chunk, skew == 0 ? mean : skewed(chunk)};
    }
    [[nodiscard]] double skewed(std::uint64_t chunk) const;
    [[nodiscard]] const std::vector<double>& weights() const { return costs; }
    [[nodiscard]] bool sound() const {
      const auto fits = [this](std::size_t size) { return size == 0 || size == chunks; };
      return fits(seconds.size()) && fits(indices.size()) && fits(costs.size()) && skew < 3;
    }
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
      archive & chunks & mean & skew & seconds & indices & costs;
    }
  };
  struct Partial {
    std::uint64_t chunks = 0;
    double sum = 0;
    std::uint64_t digest = 0;
    std::vector<unsigned char> payload;  ///< of a merge: the sum byte by byte, so it keeps its length

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
      archive & chunks & sum & digest & payload;
    }
  };

  void options(stint::Options& options);
  Plan plan(const stint::Context& context) const;
  void prepare(const stint::Context& context);
  /// A chunk without time, faults and payload takes a few nanoseconds: it measures the overhead of Stint.
  Partial compute(const Item& item, const stint::Context& context) const {
    if (eventful_ || item.seconds > 0) pass_time(item, context);
    const std::uint64_t bits = mix(item.index);
    Partial partial{1, number_of(bits), bits * odd, {}};
    if (payload > 0) partial.payload = payload_of(item.index);
    return partial;
  }
  void reduce(Partial& left, const Partial& right) const {
    if (dies_in_reduce_) die();
    left.chunks += right.chunks;
    left.sum += right.sum;
    left.digest = std::rotl(left.digest, 23) * odd ^ right.digest;
    if (payload > 0) add_payload(left, right);
  }
  Partial empty() const { return {}; }
  void finish(const Partial& partial, stint::Output& output) const;

 private:
  static constexpr std::uint64_t odd = 0x9e3779b97f4a7c15U;
  /// Stafford's variant 13, as in splitmix64.
  static constexpr std::uint64_t mix(std::uint64_t index) {
    std::uint64_t x = (index + 1) * odd;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
  }
  /// Of either sign, with an absolute value from 2^-20 to 2^12.
  static constexpr double number_of(std::uint64_t bits) {
    return std::bit_cast<double>((bits & 0x800f'ffff'ffff'ffffU) | (1003 + (bits >> 52) % 32) << 52);
  }
  void pass_time(const Item& item, const stint::Context& context) const;
  void die() const;
  void misbehave(const stint::Context& context) const;
  std::vector<unsigned char> payload_of(std::uint64_t index) const;
  static void add_payload(Partial& left, const Partial& right);

  // Made by prepare.
  ChunkList failing_, crashing_, hanging_;
  std::shared_ptr<const int> append_to_;  ///< descriptor
  bool dies_in_reduce_ = false;
  bool eventful_ = false;                 ///< a chunk fails, crashes, hangs or writes a line
};
