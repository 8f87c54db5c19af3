// SPDX-License-Identifier: Apache-2.0
// Who gets which chunks of a fake run: costs, slots, taking from the front of a queue, stealing from its back.
#include "support/fake_run.hpp"

#include <algorithm>
#include <cmath>

namespace stint::test_support {
namespace {

// Lowers `border` to the border of a large node, but keeps more than half of [first, border).
std::uint64_t round_down(std::uint64_t first, std::uint64_t border) {
  std::uint64_t step = 1;
  while (border / (step * 2) * (step * 2) * 2 > first + border) step *= 2;
  return border / step * step;
}

// To what a cut is aligned that should leave about `chunks` on one side: a power of two, at most an eighth of them.
std::uint64_t alignment(std::uint64_t chunks) {
  std::uint64_t step = 1;
  while (step * 16 <= chunks) step *= 2;
  return step;
}

}  // namespace

double FakeRun::cost_before(std::uint64_t chunk) const {
  if (spec.profile.size() < 2) return static_cast<double>(chunk);
  const double steps = static_cast<double>(spec.profile.size() - 1), chunks = static_cast<double>(spec.chunks);
  const double place = static_cast<double>(chunk);
  const double step = std::min(std::floor(place * steps / chunks), steps - 1);
  const double low = spec.profile[static_cast<std::size_t>(step)];
  const double high = spec.profile[static_cast<std::size_t>(step) + 1];
  const double from = std::floor(step * chunks / steps), to = std::floor((step + 1) * chunks / steps);
  return to > from ? low + (high - low) * (place - from) / (to - from) : low;
}

double FakeRun::cost_of(const Ranges& ranges) const {
  double sum = 0;
  for (const auto range : ranges) sum = sum + cost_before(range.last) - cost_before(range.first);
  return sum;
}

// The first border in (first, last] before which at least `cost` lies; `last` when there is not so much.
std::uint64_t FakeRun::border_at(Range range, double cost) const {
  const double target = cost_before(range.first) + cost;
  std::uint64_t low = range.first + 1, high = range.last;
  while (low < high) {
    const auto middle = (low + high) / 2;
    if (cost_before(middle) >= target) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

double FakeRun::rate_or_guess(double rate) const {
  if (rate > 0) return rate;
  if (computed == 0 || busy <= 0) return 1;
  return busy / static_cast<double>(computed) * static_cast<double>(spec.chunks) /
         std::max(cost_before(spec.chunks), 1e-300);
}

std::uint64_t FakeRun::open_chunks(Range range) const {
  std::uint64_t open = 0;
  for (auto chunk = range.first; chunk < range.last; ++chunk) open += done[chunk] ? 0 : 1;
  return open;
}

// The slot's stretch of each round, all rounds of like cost, cut at borders of nodes.
Ranges FakeRun::slot_ranges(std::uint64_t slot) const {
  const auto least = std::clamp<std::uint64_t>(slots.size() / 1250, 1, 16);
  const auto rounds = std::clamp<std::uint64_t>(spec.chunks / (slots.size() * least), 1, 16);
  const auto stretches = rounds * slots.size();
  const auto align = alignment(spec.chunks / stretches);
  const auto edge = [&](std::uint64_t k) -> std::uint64_t {
    if (k == 0) return 0;
    if (k == stretches) return spec.chunks;
    const double total = cost_before(spec.chunks);
    const auto place =
        spec.profile.size() < 2
            ? k * spec.chunks / stretches
            : border_at({0, spec.chunks}, total * static_cast<double>(k) / static_cast<double>(stretches));
    return place / align * align;
  };
  Ranges ranges;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const auto k = round * slots.size() + slot;
    const Range range{edge(k), edge(k + 1)};
    if (!ranges.empty() && ranges.back().last == range.first) {
      ranges.back().last = range.last;  // the only slot
    } else if (!range.empty()) {
      ranges.push_back(range);
    }
  }
  return ranges;
}

void FakeRun::set_queue(FakeWorker& worker, Ranges queue, double rate) const {
  worker.queue = std::move(queue);
  worker.load = cost_of(worker.queue) * rate;
}

// From the front: the first chunks that are not done, as many as wished.
FakeRun::Taken FakeRun::take(const Ranges& list, double cost, std::uint64_t least) const {
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto [first, last] = list[i];
    while (first < last && done[first]) ++first;
    if (first == last) continue;
    auto border = border_at({first, last}, cost);
    if (border > first + 1 && cost_before(border) - cost_before(first) > cost) --border;
    if (border < last) border = round_down(first, border);
    border = std::min(last, std::max(border, first + least));
    for (auto chunk = first; chunk < border; ++chunk) {
      if (done[chunk]) border = chunk;
    }
    Ranges rest(list.begin() + static_cast<std::ptrdiff_t>(i) + 1, list.end());
    if (border < last) rest = joined({{border, last}}, rest);
    return {Range{first, border}, std::move(rest)};
  }
  return {};
}

// Elsewhere first; after one more lease anywhere.
std::optional<std::uint64_t> FakeRun::due_retry(const std::string& worker, double lease, double now) const {
  std::optional<std::uint64_t> best;
  for (const auto& [chunk, due] : delayed) {
    const bool allowed = attempts.at(chunk).worker != worker || workers.size() == 1 || now > due + lease;
    if (due <= now && allowed && (!best || due < delayed.at(*best))) best = chunk;
  }
  return best;
}

// The part of the highest load that lets both end together, from the back; half where the thief's speed is unknown.
// Who is late with what it holds is taken for as late once more.
Ranges FakeRun::steal(const std::string& thief, double rate, const ClaimWish& wish, double now) {
  FakeWorker* victim = nullptr;
  std::string victim_name;
  for (auto& [name, worker] : workers) {
    if (name == thief || (victim != nullptr && worker.load < victim->load)) continue;
    victim = &worker;
    victim_name = name;
  }
  if (victim == nullptr || victim->load <= 0) return {};
  auto list = victim->queue;
  const double cost = cost_of(list), victim_rate = victim->load / std::max(cost, 1e-300);
  double late = 0;
  if (!victim->held.empty() && ages.contains(victim_name)) {
    late = std::max(0.0, now - ages.at(victim_name) - cost_of(victim->held) * victim_rate);
  }
  double share = std::min(cost, (late + victim->load) / (victim_rate + (rate > 0 ? rate : victim_rate)));
  Ranges stolen;
  double got = 0;
  while (!list.empty() && share > 0) {
    auto& range = list.back();
    const double worth = cost_of({range});
    if (worth <= share) {
      stolen.insert(stolen.begin(), range);
      list.pop_back();
      share -= worth;
      got += worth;
      continue;
    }
    auto border = border_at(range, worth - share);
    if (border == range.last) --border;
    const auto align = alignment(range.last - border);
    border = std::max(range.first, border / align * align);
    const Range piece{border, range.last};
    if (late + got * victim_rate < wish.least_steal || stolen.empty() || cost_of({piece}) <= 1.5 * share) {
      stolen.insert(stolen.begin(), piece);
      got += cost_of({piece});
      range.last = border;
      if (range.empty()) list.pop_back();
    }
    break;
  }
  const bool worth_it = late + got * victim_rate >= wish.least_steal && got * rate <= 2 * (late + victim->load);
  if (stolen.empty() || !worth_it) return {};
  set_queue(*victim, std::move(list), victim_rate);
  ++steals;
  return stolen;
}

}  // namespace stint::test_support
