// SPDX-License-Identifier: Apache-2.0
// How the ranks of one world learn their run: rank 0 plans and then announces the run on the blackboard, the others wait
// for it. While rank 0 plans it renews an announcement, so that the others can tell a long plan from a lost rank 0.
#pragma once

#include "redis/address.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace stint {

/// The announcement of rank 0 to the others.
struct RunWord {
  std::string run;
  std::string job;
  std::uint64_t seed = 0;
  std::string program;
  std::string options;  ///< JSON, all options of the job as rank 0 got them
  bool joined = false;  ///< this world joins a run that another world owns

  [[nodiscard]] std::string encode() const;
  /// Throws Error(damaged) for a text that encode() does not make.
  static RunWord decode(const std::string& text);
};

/// Rank 0's side. From construction on it announces that rank 0 plans. If tell() is never called, the destructor announces
/// that there is nothing to compute. Does nothing in a world of one.
class WorldHost {
 public:
  WorldHost(redis::Finder board, std::string world, int ranks);
  ~WorldHost();
  WorldHost(const WorldHost&) = delete;
  WorldHost& operator=(const WorldHost&) = delete;

  void tell(const RunWord& word);

 private:
  void renew();
  void stop_renewing();

  const redis::Finder board_;
  const std::string world_;
  const bool alone_;
  bool told_ = false;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;
  std::thread renewer_;
};

/// The other ranks' side: waits for the announcement; none: there is nothing to compute. Throws Error(interrupted) if rank 0
/// was silent for too long or is known to be lost, Error(damaged) for an invalid text, and BoardLost after `board_timeout`
/// seconds without the blackboard.
std::optional<RunWord> await_word(const redis::Finder& board, const std::string& world, double board_timeout,
                                  const std::function<bool()>& rank_0_lost);

}  // namespace stint
