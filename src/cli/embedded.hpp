// SPDX-License-Identifier: Apache-2.0
// The embedded blackboard for its users: found on this host or on another that shares the home, else started.
// Used by `run`, by the verbs that show runs, and by ranks whose blackboard was lost with its node.
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
  std::optional<redis::Address> network;  ///< for other hosts; none: it listens only on its socket
};

/// The running embedded blackboard, or one that is starting. `interface`: the value of --interface; empty: only on its
/// socket, until another host asks. Both members throw Error.
class EmbeddedStart {
 public:
  /// Finds it, or starts it without waiting. `lasting`: it outlives the batch job, if there is one.
  explicit EmbeddedStart(const std::string& interface, bool lasting = false);
  /// Waits until it answers, however long it loads its data; prints the notes of its guardian on stderr.
  EmbeddedBoard wait();

 private:
  void start();

  const std::filesystem::path home_;
  const std::string interface_;
  const bool lasting_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> answers_;  // of the guardian; null: this process started none
};
EmbeddedBoard embedded_blackboard(const std::string& interface, bool lasting = false);

/// The address of the embedded blackboard, which is started if it has data; none: it has none. Creates no folder.
std::optional<redis::Address> blackboard_with_data();
/// The same; throws Error(usage) if it has no data: there is no run yet.
redis::Address existing_blackboard();

/// Starts a guardian without waiting for it. It ends by itself if the data are served elsewhere.
void start_guardian(const std::filesystem::path& home, const std::string& interface);

/// Call it at the end of a command. In a batch job, whose end kills its remaining processes, the last command ends the
/// blackboard that was started for this job: another host can then use its data at once. Waits for that, seconds at most.
void leave_embedded() noexcept;

/// `stint serve --stop`: ends the embedded blackboard. True: it was running.
bool stop_embedded();

}  // namespace stint
