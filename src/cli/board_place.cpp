// SPDX-License-Identifier: Apache-2.0
#include "cli/board_place.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "cli/data_lease.hpp"
#include "cli/data_lock.hpp"
#include "cli/embedded.hpp"
#include "cli/guardian.hpp"
#include "cli/home_board.hpp"
#include "cli/interfaces.hpp"
#include "cli/private_file.hpp"

#include <algorithm>
#include <optional>
#include <unistd.h>

namespace stint {
namespace {

constexpr double away_seconds = 3;    // longer than the guardian takes to start its server again
constexpr double apart_seconds = 15;  // misses farther apart than an attempt takes belong to different losses
constexpr double start_seconds = 15;  // in which a guardian waits for the lease and starts a server

std::optional<redis::Address> address_in(const std::filesystem::path& file) {
  try {
    if (const auto line = line_of(file); !line.empty()) return redis::parse_address(line);
  } catch (const Error&) {
    // Another process is writing it.
  }
  return std::nullopt;
}

bool of_this_host(const std::string& address) {
  return std::ranges::any_of(interfaces_here(), [&](const Interface& each) { return each.address == address; });
}

}  // namespace

BoardPlace::BoardPlace(redis::Address address, std::filesystem::path home, std::string interface)
    : last_(std::move(address)), file_(connection_file(home)), home_(std::move(home)), interface_(std::move(interface)) {}

redis::Address BoardPlace::now(int misses) {
  const std::lock_guard lock(mutex_);
  auto said = file_.empty() ? std::nullopt : address_in(file_);
  // The folder of the same name may be another one on this host: its blackboard has another secret.
  if (said && !home_.empty() && said->password != last_.password) said.reset();
  if (said) last_ = *said;
  if (home_.empty()) return last_;
  try {
    if (!shares_home()) return last_;
    if (said ? of_this_host(last_.host) : !last_.socket.empty()) {
      // If the socket vanished, the guardian has made another elsewhere.
      if (const auto socket = socket_address(home_); ::access(socket.socket.c_str(), F_OK) == 0) last_ = socket;
    }
    if (misses > 0 && (said || !last_.socket.empty())) revive(said.has_value());
  } catch (const std::exception&) {
    // The home is out of reach, or not the user's any more: the run waits for its blackboard at the last address.
  }
  return last_;
}

// The folder of the same name may be another one on this host.
bool BoardPlace::shares_home() const {
  const auto secret = home_secret(home_);
  return !secret.empty() && secret == last_.password;
}

// A guardian of this host that was killed took its server with it. A guardian of another host may only be out of reach. A
// blackboard that the user has ended is not started again. The new guardian ends by itself if the data are served
// elsewhere.
void BoardPlace::revive(bool on_network) {
  const double now = SteadyClock().now();
  if (now - last_miss_ > apart_seconds) away_since_ = now;
  last_miss_ = now;
  if (now - last_start_ < start_seconds || std::filesystem::exists(stopped_file(home_))) return;
  if (held_elsewhere(home_) && (!on_network || now - away_since_ < away_seconds)) return;
  if (!DataLock::take(home_)) return;  // another process of this host is starting it
  last_start_ = now;
  start_guardian(home_, on_network ? interface_ : "");
}

}  // namespace stint
