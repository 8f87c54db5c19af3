// SPDX-License-Identifier: Apache-2.0
// The embedded blackboard for whoever uses it: found on this host or on another that shares the home, else started.
// Used by `run`, by the verbs that look at runs, and by ranks whose blackboard is lost with its node.
#pragma once

#include "redis/address.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace stint {

struct EmbeddedBoard {
  redis::Address here;                    ///< for processes of this host
  std::optional<redis::Address> network;  ///< for those of other hosts; none: it listens on its socket alone
};

/// The running embedded blackboard, or one that is being started. `interface`: as --interface was given; empty: on its
/// socket alone, until another host asks. Both throw Error.
class EmbeddedStart {
 public:
  /// Finds it, or begins to start it. `lasting`: it outlives the batch job, if there is one.
  explicit EmbeddedStart(const std::string& interface, bool lasting = false);
  /// Waits until it answers, as long as it loads its data; shows on stderr what its guardian has to say.
  EmbeddedBoard wait();

 private:
  void start();

  const std::filesystem::path home_;
  const std::string interface_;
  const bool lasting_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> answers_;  // of the guardian; none: nothing was started
};
EmbeddedBoard embedded_blackboard(const std::string& interface, bool lasting = false);

/// The address of the embedded blackboard, which is started if it has data; none: it has none. Makes no folder.
std::optional<redis::Address> blackboard_with_data();
/// The same; Error(usage) if it has none: there is no run yet.
redis::Address existing_blackboard();

/// Starts a guardian and does not wait for it. It ends by itself when the data are served elsewhere.
void start_guardian(const std::filesystem::path& home, const std::string& interface);

/// To be called at the end of a command. In a batch job, whose end kills what is left of it, the last one ends the
/// blackboard that was started for this job: another host then has its data at once. Waits for that, seconds at most.
void leave_embedded() noexcept;

/// `stint serve --stop`: ends the embedded blackboard; true if it was running.
bool stop_embedded();

}  // namespace stint
