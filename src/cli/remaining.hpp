// SPDX-License-Identifier: Apache-2.0
// How long a run still takes, from what has ended so far: one number where the work is even, a range where it is not, and
// once nothing waits any more no number at all, for nothing is known of chunks at work but their age. A pure function of
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
  double longest = 0;       ///< seconds of the longest that ended
  std::uint64_t lanes = 1;  ///< chunks that can be at work at once
  double oldest = -1;       ///< seconds that the oldest at work has been there; below 0: not long
};

struct Estimate {
  enum class Kind { unknown, number, range, running };
  Kind kind = Kind::unknown;
  double low = 0, high = 0;   ///< seconds; alike in a number; a range may have no end
  std::uint64_t running = 0;  ///< chunks at work
  double oldest = -1, usual = -1;
  /// "3.0 s left", "3.0 s to 12.0 s left", "at least 3.0 s left", "4 running, oldest 12.0 s (usual 0.3 s)"; empty: unknown.
  [[nodiscard]] std::string text() const;
};

class Remaining {
 public:
  void see(const Sighting& sighting);
  [[nodiscard]] Estimate estimate() const;
  /// Chunks that ended a second, lately; 0: none ended yet.
  [[nodiscard]] double rate() const;

 private:
  struct End {
    double time = 0;
    std::uint64_t ended = 0;
  };
  [[nodiscard]] End recent() const;

  Sighting last_;
  End first_;             // where the counting began
  std::deque<End> ends_;  // when the number was seen to grow, thinned
  bool begun_ = false;
};

}  // namespace stint
