// SPDX-License-Identifier: Apache-2.0
// Count, sum, mean, variance, minimum and maximum of numbers: the example of a job whose partials are floating point,
// and whose plan is of one of two kinds. The numbers are in files, separated by white space, or on the command
// line. NaN and infinities are counted apart and ignored otherwise.
#pragma once

#include <stint/stint.hpp>

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

/// Statistics of a set of numbers. Merging (Chan, Golub, LeVeque 1979) loses no digits when the mean is large.
struct Moments {
  std::uint64_t count = 0;  ///< of the finite numbers, as all others except the last two
  double sum = 0;
  double compensation = 0;  ///< rounding errors of `sum` (Neumaier 1974)
  double mean = 0;
  double squares = 0;  ///< sum of the squared distances from the mean
  double least = std::numeric_limits<double>::infinity();
  double greatest = -std::numeric_limits<double>::infinity();
  std::uint64_t nan = 0;       ///< the number of NaNs
  std::uint64_t infinite = 0;  ///< the number of infinities

  void add(double number);
  void merge(const Moments& right);
  [[nodiscard]] double total() const;     ///< the sum
  [[nodiscard]] double variance() const;  ///< of the sample; NaN for fewer than two numbers

 private:
  void add_to_sum(double number);
};

struct Sum {
  static constexpr auto name = "sum";
  static constexpr auto about = "count, sum, mean, variance, least and greatest of numbers";
  static constexpr auto version = "1";

  stint::Inputs inputs;
  std::vector<double> numbers;
  std::uint64_t numbers_in_chunk = 1000;
  std::uint64_t chunk_bytes = 0;

  /// A chunk: spans of files, or numbers; the other is empty.
  struct Item {
    std::vector<stint::Span> spans;
    std::span<const double> numbers;
  };
  /// The plan contains the numbers, since other ranks have only the plan.
  struct Plan {
    stint::Pieces pieces;
    std::vector<double> numbers;
    std::uint64_t numbers_in_chunk = 1;

    [[nodiscard]] bool sound() const { return numbers.empty() || pieces.files().empty(); }
    [[nodiscard]] std::uint64_t size() const;
    [[nodiscard]] Item operator[](std::uint64_t chunk) const;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
      archive & pieces & numbers & numbers_in_chunk;
    }
  };

  void options(stint::Options& options);
  Plan plan(const stint::Context& context) const;
  stint::RecordReader scratch(const stint::Context&) const { return stint::RecordReader(stint::white_space); }
  Moments compute(const Item& item, const stint::Context& context, stint::RecordReader& reader) const;
  void reduce(Moments& left, const Moments& right) const { left.merge(right); }
  Moments empty() const { return {}; }
  void finish(const Moments& moments, stint::Output& output) const;
};
