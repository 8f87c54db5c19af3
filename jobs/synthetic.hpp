// SPDX-License-Identifier: Apache-2.0
// A yardstick: chunks that take a given time, fail, crash or hang when told to, and partials of a given size. Its output
// tells whether every chunk came once and in its place: the sum is of numbers of very different size, so it depends on
// the order of the additions, and the digest depends on the order of all merges and on every bit of the payload.
#pragma once

#include <stint/stint.hpp>

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

/// Keeps the processor busy until this thread has had so many seconds of it.
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
  std::string fail_chunks, crash_chunks, hang_chunks;
  std::string append;

  struct Item {
    std::uint64_t index;  ///< of the chunk, before the longest were put first
    double seconds;
  };
  struct Plan {
    std::uint64_t chunks = 0;
    double mean = 0;
    std::uint32_t skew = 0;              ///< index in none, linear, pareto
    std::vector<double> seconds = {};         ///< given chunk by chunk; else empty
    std::vector<std::uint64_t> indices = {};  ///< where the longest were put first: chunk → index
    std::vector<double> costs = {};           ///< and what they cost

    [[nodiscard]] std::uint64_t size() const { return chunks; }
    [[nodiscard]] Item operator[](std::uint64_t chunk) const {
      if (!seconds.empty()) return {indices.empty() ? chunk : indices[chunk], seconds[chunk]};
      return {chunk, skew == 0 ? mean : skewed(chunk)};
    }
    [[nodiscard]] double skewed(std::uint64_t chunk) const;
    [[nodiscard]] const std::vector<double>& weights() const { return costs; }
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
      archive & chunks & mean & skew & seconds & indices & costs;
    }
  };
  struct Partial {
    std::uint64_t chunks = 0;
    double sum = 0;
    std::uint64_t digest = 0;
    std::string payload;  ///< of a merged partial: both added up byte by byte, so it stays as long as it is

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
      archive & chunks & sum & digest & payload;
    }
  };

  void options(stint::Options& options);
  Plan plan(const stint::Context& context) const;
  void prepare(const stint::Context& context);
  Partial compute(const Item& item, const stint::Context& context) const;
  void reduce(Partial& left, Partial right) const;
  Partial empty() const { return {}; }
  void finish(const Partial& partial, stint::Output& output) const;

 private:
  void misbehave(const stint::Context& context) const;

  // Made by prepare.
  ChunkList failing_, crashing_, hanging_;
  std::shared_ptr<const int> append_to_;  ///< descriptor
  bool eventful_ = false;                 ///< something is to be done besides computing
};
