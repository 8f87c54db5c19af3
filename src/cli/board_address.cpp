// SPDX-License-Identifier: Apache-2.0
#include "cli/board_address.hpp"

#include "base/clock.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"
#include "cli/home.hpp"
#include "cli/home_board.hpp"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <utility>

namespace stint {
namespace {

constexpr double patient_seconds = 3;  // before the first message

// The address of the blackboard in one's own home, in the form that `stint serve` prints: adds the password, which the home has.
redis::Address known_at_home(redis::Address address) {
  const auto home = home_path();
  if (!address.password.empty() || home_secret(home).empty()) return address;
  const auto there = network_address(home);
  if (address.socket.empty() ? there && there->host == address.host && there->port == address.port
                             : address.socket == socket_address(home).socket) {
    address.password = home_secret(home);
  }
  return address;
}

}  // namespace

std::optional<redis::Address> given_board(const std::string& board, const std::string& board_file) {
  if (!board.empty() && !board_file.empty()) {
    throw Error(Exit::usage, "--board and --board-file both name a blackboard; give one of them");
  }
  if (!board.empty()) {
    auto address = redis::parse_address(board);
    if (!address.password.empty()) {
      throw Error(Exit::usage,
                  "a password in --board can be seen by every user of this machine; put the address into "
                  "$STINT_BOARD, or into a file (mode 600) named by --board-file");
    }
    return known_at_home(std::move(address));
  }
  if (!board_file.empty()) {
    struct stat info {};
    if (::stat(board_file.c_str(), &info) != 0) {
      throw Error(Exit::usage, "cannot read --board-file " + board_file + ": " + std::strerror(errno) +
                                   "; it holds one line, the address of the blackboard");
    }
    if ((info.st_mode & 077) != 0) {
      throw Error(Exit::usage, "--board-file " + board_file + " can be read by others, and may hold a password; "
                                                              "chmod 600 it");
    }
    std::ifstream file(board_file);
    std::string line;
    std::getline(file, line);
    return redis::parse_address(line);
  }
  if (const auto given = environment("STINT_BOARD"); !given.empty()) {
    return known_at_home(redis::parse_address(given));
  }
  return std::nullopt;
}

void await_board_file(const std::string& board_file, double seconds, const std::function<void(const std::string&)>& say) {
  const SteadyClock clock;
  const double begun = clock.now();
  for (bool said = false; clock.now() - begun < seconds; std::this_thread::sleep_for(std::chrono::milliseconds(100))) {
    std::error_code unseen;
    const bool there = std::filesystem::exists(board_file, unseen) || unseen;  // given_board reports why it cannot be read
    if (there && ask(*given_board("", board_file)) != Answer::none) return;
    if (said || clock.now() - begun < patient_seconds) continue;
    say("waiting for the blackboard: " + board_file + (there ? " names one that does not answer" : " is not there yet"));
    said = true;
  }
}

}  // namespace stint
