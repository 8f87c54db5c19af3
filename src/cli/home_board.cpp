// SPDX-License-Identifier: Apache-2.0
#include "cli/home_board.hpp"

#include "cli/home.hpp"
#include "cli/private_file.hpp"
#include "redis/connection.hpp"

#include <chrono>

namespace stint {
namespace {

namespace fs = std::filesystem;

fs::path secret_file(const fs::path& home) { return home / "secret"; }

}  // namespace

std::string home_secret(const fs::path& home) { return line_of(secret_file(home)); }

std::string make_home_secret(const fs::path& home) { return made_once(secret_file(home), random_secret() + "\n"); }

redis::Address socket_address(const fs::path& home) {
  redis::Address address;
  address.socket = socket_path(home).string();
  address.password = home_secret(home);
  return address;
}

Answer ask(const redis::Address& address) {
  try {
    redis::Connection(address, std::chrono::seconds(5)).command({"PING"});
    return Answer::ready;
  } catch (const redis::Refused& refused) {
    return refused.word() == "LOADING" ? Answer::loading : Answer::ready;
  } catch (const redis::Lost&) {
    return Answer::none;
  }
}

}  // namespace stint
