// SPDX-License-Identifier: Apache-2.0
#include "cli/remaining.hpp"

#include "cli/quantity_text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace stint {
namespace {

constexpr std::size_t most_ends = 512;
constexpr double recent_share = 1.0 / 3;  // of the time so far
constexpr double even_ratio = 1.8;        // maximum ratio of two estimates that are shown as one number
constexpr double early_low = 0.7, early_high = 1.3;  // of a range from few chunks
constexpr double skewed_ratio = 3;        // of the longest chunk to the usual one
// Factors of an estimate from a rate that a few long chunks made slow, or a few short ones fast.
constexpr double skewed_low = 0.6, skewed_high = 1.6;
constexpr double few = 4;                 // chunks a lane, below which a rate is not known
constexpr double least_age = 0.5;         // seconds from which on a running chunk is shown
constexpr double tail = 2;                // times the longest chunk so far

}  // namespace

std::string Estimate::text() const {
  switch (kind) {
    case Kind::unknown:
      return "";
    case Kind::number:
      return duration(low) + " left";
    case Kind::range:
      if (std::isinf(high)) return "at least " + duration(low) + " left";
      return low < 0.05 ? "up to " + duration(high) + " left" : duration(low) + " to " + duration(high) + " left";
    case Kind::running:
      break;
  }
  std::string words = std::to_string(running) + " running";
  if (oldest >= 0) words += ", oldest " + duration(oldest);
  if (usual >= 0) words += " (usual " + duration(usual) + ")";
  return words;
}

void Remaining::see(const Sighting& sighting) {
  // Another count: the run was made anew, or failed chunks were queued again.
  if (!begun_ || sighting.ended < last_.ended || sighting.total != last_.total) {
    begun_ = true;
    first_ = {sighting.now, sighting.ended};
    ends_.clear();
  } else if (sighting.ended > last_.ended) {
    ends_.push_back({sighting.now, sighting.ended});
  }
  last_ = sighting;
  if (ends_.size() <= most_ends) return;
  std::deque<End> half;
  for (std::size_t i = ends_.size() % 2; i < ends_.size(); i += 2) half.push_back(ends_[i]);
  half.back() = ends_.back();
  ends_ = std::move(half);
}

// The beginning of the recent part: measured from end to end, so that chunks that end together count as they came.
Remaining::End Remaining::recent() const {
  const double from = ends_.back().time - std::max(recent_share * (ends_.back().time - first_.time), 2 * last_.longest);
  End begin = first_;
  for (const auto& end : ends_) {
    if (end.time > from) break;
    begin = end;
  }
  return begin;
}

double Remaining::rate() const {
  if (ends_.empty()) return 0;
  const auto begin = recent();
  const double idle = last_.now - ends_.back().time;
  const double seconds = ends_.back().time - begin.time + (idle > last_.longest ? idle : 0);
  return static_cast<double>(ends_.back().ended - begin.ended) / std::max(seconds, 1e-9);
}

Estimate Remaining::estimate() const {
  Estimate estimate;
  const auto left = static_cast<double>(last_.total - std::min(last_.total, last_.ended));
  if (left <= 0) return estimate;
  if (left <= static_cast<double>(last_.lanes)) {
    estimate.kind = Estimate::Kind::running;
    estimate.running = static_cast<std::uint64_t>(left);
    // No chunk waits, so the running chunks started before the last one ended.
    const double idle = ends_.empty() ? 0 : last_.now - ends_.back().time;
    estimate.oldest = std::max(last_.oldest, idle >= least_age ? idle : -1);
    estimate.usual = last_.usual;
    return estimate;
  }
  if (ends_.empty()) return estimate;
  const double idle = last_.now - ends_.back().time;
  const auto since = [&](const End& begin) {
    const double seconds_each = (ends_.back().time - begin.time) / static_cast<double>(ends_.back().ended - begin.ended);
    return left * seconds_each - idle;  // the next chunks are running already
  };
  const double overall = since(first_), recently = since(recent());
  const auto known = static_cast<double>(ends_.back().ended - first_.ended);
  estimate.low = std::max(0.0, std::min(overall, recently));
  estimate.high = std::max({0.0, overall, recently});
  // The time if all lanes worked from now on, on chunks of the typical length.
  const double others = known > 1 ? std::max(0.0, (last_.usual * known - last_.longest) / (known - 1)) : last_.usual;
  const double fresh = left * others / static_cast<double>(last_.lanes);
  // If few chunks have ended, it is not known how far the running ones are.
  const bool is_early = last_.usual > 0 && known < few * static_cast<double>(last_.lanes);
  if (is_early) {
    estimate.low = std::min(estimate.low, fresh);
    estimate.high = std::max(estimate.high, fresh);
  }
  // The pause is longer than any chunk that ended: the running chunks are different.
  if (idle > last_.longest) estimate.high = std::max(estimate.high, left * (last_.now - first_.time) / known);
  const bool skewed = last_.longest > skewed_ratio * last_.usual || last_.oldest > last_.longest;
  if (last_.usual > 0 && skewed) {
    // Waiting chunks may be longer than all that ended, the more so the more are left; a running chunk is longer if it
    // is older than those became, and it is not known by how much.
    estimate.low = skewed_low * std::min(estimate.low, fresh);
    estimate.high = skewed_high * estimate.high + tail * last_.longest * std::sqrt(1 + left / known);
    if (last_.oldest > last_.longest) estimate.high = std::numeric_limits<double>::infinity();
  }
  if (estimate.high <= even_ratio * estimate.low) {
    estimate.kind = Estimate::Kind::number;
    estimate.low = estimate.high = std::sqrt(estimate.low * estimate.high);
  } else {
    estimate.kind = Estimate::Kind::range;
    if (is_early && !skewed) {
      estimate.low *= early_low;
      estimate.high *= early_high;
    }
  }
  return estimate;
}

}  // namespace stint
