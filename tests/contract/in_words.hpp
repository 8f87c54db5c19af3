// SPDX-License-Identifier: Apache-2.0
// Answers of a Blackboard, and what lies on it, as text: to compare two implementations, and to read when they differ.
#pragma once

#include "contract/board_test.hpp"

#include <sstream>

namespace stint::test_support {

inline std::string in_words(Refusal refusal) { return word_of(refusal); }
inline std::string in_words(const Joined& j) {
  return in_words(j.refusal) + " " + j.leader + " " + std::to_string(j.state.workers) + " " +
         std::to_string(j.state.done);
}
inline std::string in_words(const Claimed& c) {
  std::ostringstream out;
  out << in_words(c.refusal) << ' ' << c.done << ' ' << c.failed << ' ' << c.queued << ' ' << c.attempt << ' '
      << c.source;
  if (c.range) out << ' ' << c.range->first << '-' << c.range->last;
  return out.str();
}
inline std::string in_words(const Committed& c) {
  std::ostringstream out;
  out << in_words(c.refusal) << ' ' << c.done << ' ' << c.failed;
  for (const auto& node : c.refused) out << ' ' << node.name();
  for (const auto& node : c.differing) out << " !" << node.name();
  return out.str();
}
inline std::string in_words(const Failed& f) {
  return in_words(f.refusal) + " " + std::to_string(f.counted) + std::to_string(f.for_good) +
         std::to_string(f.attempts) + std::to_string(f.first) + std::to_string(f.benched);
}
inline std::string in_words(const Renewed& r) {
  std::ostringstream out;
  out << in_words(r.refusal) << ' ' << r.leader << ' ' << r.leader_beat << ' ' << r.state.done << ' ' << r.state.again
      << ' ' << r.active << ' ' << r.failures;
  for (const auto& [worker, beat] : r.beats) out << ' ' << worker << '=' << beat;
  return out.str();
}

inline std::string in_words(const std::pair<Refusal, bool>& mended) {
  return in_words(mended.first) + (mended.second ? " mended" : " whole");
}
inline std::string in_words(const Revived& r) { return in_words(r.refusal) + " " + std::to_string(r.chunks); }

inline std::string in_words(const Picture& picture) {
  std::ostringstream out;
  out << picture.done.size() << " chunks: ";
  for (const bool done : picture.done) out << (done ? '#' : '.');
  const auto show = [&](const char* kind, const std::map<std::string, Ranges>& lists) {
    for (const auto& [worker, ranges] : lists) {
      out << '\n' << kind << ' ' << worker << ':';
      for (const auto range : ranges) out << ' ' << range.first << '-' << range.last;
    }
  };
  show("queue", picture.queues);
  show("claims", picture.claims);
  out << "\ndelayed:";
  for (const auto chunk : picture.delayed) out << ' ' << chunk;
  out << "\nsuspects:";
  for (const auto& each : picture.suspects) out << ' ' << each.range.first << '-' << each.range.last << '*' << each.deaths << each.holder;
  out << "\nfailed:";
  for (const auto chunk : picture.failed) out << ' ' << chunk;
  out << '\n';
  return out.str();
}

}  // namespace stint::test_support
