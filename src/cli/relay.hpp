// SPDX-License-Identifier: Apache-2.0
// Passes on what mpirun and the ranks write on stderr, except what mpirun 4.1 says of itself whenever a rank is lost
// ("[host:pid] PMIX ERROR: …"): the run says so in words of its own; and except what ranks of hosts that do not see the
// launcher's files tell it. Everything else goes through as it comes, a progress bar without line ends, too.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace stint {

class Relay {
 public:
  /// `told`: called in a thread of its own with each line for the launcher, which has this mark, without it.
  Relay(std::string mark, std::function<void(const std::string& line)> told);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// Where to write; for the process that is started.
  [[nodiscard]] int entrance() const { return ends_[1]; }
  /// To be called once that process has it.
  void close_entrance();

 private:
  void pass_on();

  const std::string mark_;
  const std::function<void(const std::string& line)> told_;
  int ends_[2] = {-1, -1};
  std::thread thread_;
};

/// What of `held` + `piece` may be shown now; `held` is left with what may turn out to be noise, or to be for the launcher,
/// who is told what stands behind `mark` in a line.
std::string without_noise(std::string& held, const std::string& piece, bool last, const std::string& mark,
                          const std::function<void(const std::string& line)>& told);

}  // namespace stint
