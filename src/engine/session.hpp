// SPDX-License-Identifier: Apache-2.0
// The state that the threads of one rank share while they work on a run: its id on the board, whether it leads, whether
// the run is over, and how it ended. Thread-safe. Each thread waits on its own Signal.
#pragma once

#include "base/error.hpp"
#include "blackboard/blackboard.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace stint {

/// Wakes one thread; a notification that comes before the wait is not lost.
class Signal {
 public:
  void notify() {
    {
      const std::lock_guard lock(mutex_);
      set_ = true;
    }
    wakes_.notify_one();
  }
  /// Waits for a notification, at most `seconds`.
  void wait(double seconds) {
    std::unique_lock lock(mutex_);
    wakes_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return set_; });
    set_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wakes_;
  bool set_ = false;
};

/// How the run ended, as this rank saw it.
struct Outcome {
  enum class Kind {
    finished,     ///< this rank led, and the result is stored
    halted,       ///< this rank led, and ended the run early, by the user's halt rule
    ended,        ///< the run's state is no longer `running`; the board has the details
    interrupted,  ///< the rank was asked to stop; the same command continues
    left,         ///< this rank is of no more use to the run; other ranks go on
    failed,       ///< see `error`
  };
  Kind kind = Kind::ended;
  Exit exit = Exit::complete;
  std::string error;  ///< one line
};

/// Numbers for the progress display.
struct Progress {
  std::atomic<std::uint64_t> chunks{0}, done{0}, failed{0}, workers{0}, steals{0}, reaped{0}, again{0}, computed{0};
  std::atomic<std::uint64_t> computed_here{0}, claims{0}, commits{0};
  std::atomic<double> busy_seconds{0}, longest{0};  ///< of chunks that ended: their sum, and the longest
  std::atomic<bool> finishing{false};
};

class Session {
 public:
  struct Identity {
    std::string worker;
    std::uint64_t generation = 0;
  };

  [[nodiscard]] Identity identity() const {
    const std::lock_guard lock(mutex_);
    return identity_;
  }
  void set_identity(Identity identity) {
    const std::lock_guard lock(mutex_);
    identity_ = std::move(identity);
  }
  /// The board gave up this id. Ignored if this rank has another id by now: the answer was late.
  void fence(const std::string& worker) {
    {
      const std::lock_guard lock(mutex_);
      if (worker != identity_.worker) return;
      fenced = true;
    }
    courier.notify();
  }
  void set_leader(const std::string& leader) {
    bool mine = false;
    {
      const std::lock_guard lock(mutex_);
      mine = leader == identity_.worker && !leading_;
      leading_ = leader == identity_.worker;
    }
    if (mine) reducer.notify();
  }
  [[nodiscard]] bool leading() const {
    const std::lock_guard lock(mutex_);
    return leading_;
  }

  /// Compares the number of chunks on the board with the plan that this rank adopted. Throws Error(damaged) if they differ:
  /// then no count on the board can be trusted.
  void expect_chunks(std::uint64_t on_board) const {
    if (!plan_chunks || *plan_chunks == on_board) return;
    throw damaged("it says " + std::to_string(on_board) + " chunks, and its plan has " + std::to_string(*plan_chunks));
  }
  /// The error to end with if the record of the run on the board cannot be right.
  [[nodiscard]] Error damaged(const std::string& why) const {
    return {Exit::damaged, damaged_record(run, why)};
  }

  /// The first outcome stays, except `ended`: another thread may see that the run has ended before the one that ended it.
  void end(Outcome outcome) {
    {
      const std::lock_guard lock(mutex_);
      const bool better = outcome_ && outcome_->kind == Outcome::Kind::ended;
      if (!outcome_ || better) outcome_ = std::move(outcome);
    }
    over_ = true;
    drain = true;
    stop = true;  // a long chunk that asks may end early
    abandon = true;
    for (auto* signal : {&courier, &heartbeat, &reducer}) signal->notify();
    if (on_end) on_end();
  }
  [[nodiscard]] bool over() const { return over_; }
  /// Notes the halt state in the last answer of the board: the run ends before all is computed.
  void heed(Halt how) {
    if (how == Halt::none || halt == how) return;
    halt = how;
    stop = true;
    if (how == Halt::now) abandon = true;
    courier.notify();
  }
  [[nodiscard]] std::optional<Outcome> outcome() const {
    const std::lock_guard lock(mutex_);
    return outcome_;
  }
  /// Ends the session if the refusal is final: true. False: the caller continues.
  bool ended_by(Refusal refusal) {
    if (refusal == Refusal::ended) {
      end({Outcome::Kind::ended, Exit::complete, ""});
      return true;
    }
    if (refusal == Refusal::gone) {
      end({Outcome::Kind::failed, Exit::board,
           "the run is no longer on the blackboard: it was removed or made anew, or the server came back empty; "
           "the same command starts it again"});
      return true;
    }
    return false;
  }

  /// The board has lost the halt. A concurrent stop is not lost: `end`, and each thread that sets `drain`, do that before
  /// they set `stop`, and this function reads both again afterwards.
  void go_on() {
    halt = Halt::none;
    stop = false;
    abandon = false;
    if (drain || over_) stop = true;
    if (over_) abandon = true;
  }

  std::string run;                            ///< set before threads start
  std::optional<std::uint64_t> plan_chunks;   ///< of the adopted plan; set before threads start
  Signal courier, heartbeat, reducer;
  Progress progress;
  std::atomic<bool> fenced{false};        ///< the courier joins again
  std::atomic<bool> in_job_step{false};   ///< the reducer is in the job's own code
  std::atomic<bool> drain{false};         ///< start nothing, commit the results, leave
  std::atomic<Halt> halt{Halt::none};     ///< start nothing, commit the results, wait for the other ranks
  std::atomic<bool> stop{false};          ///< Context::stop_requested
  std::atomic<bool> abandon{false};       ///< Context::abandon_requested
  std::function<void(const std::string&)> say = [](const std::string&) {};   ///< one line for the user
  std::function<void(const std::string&)> log = [](const std::string&) {};   ///< one line for the log
  std::function<void()> on_end;           ///< set before threads start

 private:
  mutable std::mutex mutex_;
  Identity identity_;
  bool leading_ = false;
  std::optional<Outcome> outcome_;
  std::atomic<bool> over_{false};
};

}  // namespace stint
