// SPDX-License-Identifier: Apache-2.0
// Estimates the remaining time of a run from the chunks that have ended: one number if the work is even, a range if it is
// not, and no number once no chunk waits any more, since of running chunks only the age is known. A pure function of
// its sightings.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

namespace stint {

/// A run at one moment.
struct Sighting {
  double now = 0;           ///< seconds, on any clock that only grows
  std::uint64_t total = 0;  ///< chunks
  std::uint64_t ended = 0;  ///< done or failed
  double usual = -1;        ///< mean seconds of a chunk; below 0: not known
  double longest = 0;       ///< seconds of the longest chunk that ended
  std::uint64_t lanes = 1;  ///< chunks that can run at once
  double oldest = -1;       ///< seconds of the oldest running chunk; below 0: not long
};

struct Estimate {
  enum class Kind { unknown, number, range, running };
  Kind kind = Kind::unknown;
  double low = 0, high = 0;   ///< seconds; equal for one number; `high` may be infinite
  std::uint64_t running = 0;  ///< running chunks
  double oldest = -1, usual = -1;
  /// "3.0 s left", "3.0 s to 12.0 s left", "at least 3.0 s left", "4 running, oldest 12.0 s (usual 0.3 s)"; empty: unknown.
  [[nodiscard]] std::string text() const;
};

class Remaining {
 public:
  void see(const Sighting& sighting);
  [[nodiscard]] Estimate estimate() const;
  /// Chunks that ended per second, recently; 0: none ended yet.
  [[nodiscard]] double rate() const;

 private:
  struct End {
    double time = 0;
    std::uint64_t ended = 0;
  };
  [[nodiscard]] End recent() const;

  Sighting last_;
  End first_;             // the first sighting
  std::deque<End> ends_;  // sightings in which the number grew, thinned
  bool begun_ = false;
};

}  // namespace stint
