// SPDX-License-Identifier: Apache-2.0
#include "cli/home_board.hpp"

#include "base/error.hpp"
#include "base/program.hpp"
#include "cli/data_lock.hpp"
#include "cli/home.hpp"
#include "cli/interfaces.hpp"
#include "cli/private_file.hpp"
#include "redis/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace stint {
namespace {

namespace fs = std::filesystem;
constexpr auto ask_bound = std::chrono::seconds(5);
constexpr auto lock_bound = std::chrono::seconds(10);
constexpr auto end_bound = std::chrono::seconds(10);
constexpr auto home_pause = std::chrono::milliseconds(20);
constexpr int port_attempts = 8;
constexpr std::size_t least_secret = 16;  // characters; generated ones have 32

fs::path secret_file(const fs::path& home) { return home / "secret"; }

// Only one process at a time lets the server listen; without effect on a file system without locks.
class Lock {
 public:
  explicit Lock(const fs::path& file) : descriptor_(::open(file.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC)) {
    const auto end = std::chrono::steady_clock::now() + lock_bound;
    while (descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      if (std::chrono::steady_clock::now() > end) {
        ::close(descriptor_);
        throw Error(Exit::board, "another process has let the blackboard listen for " + std::to_string(lock_bound.count()) +
                                     " s without an end (it has locked " + file.string() + "); end that process");
      }
      std::this_thread::sleep_for(home_pause);
    }
  }
  ~Lock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  int descriptor_;
};

// A port that the kernel reports as free now; 0: there is none on that address.
int free_port(const std::string& host) {
  addrinfo wish{};
  wish.ai_flags = AI_NUMERICHOST;
  wish.ai_socktype = SOCK_STREAM;
  addrinfo* place = nullptr;
  if (::getaddrinfo(host.c_str(), "0", &wish, &place) != 0) return 0;
  int port = 0;
  const int probe = ::socket(place->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage given{};
  socklen_t length = sizeof given;
  if (probe >= 0 && ::bind(probe, place->ai_addr, place->ai_addrlen) == 0 &&
      ::getsockname(probe, reinterpret_cast<sockaddr*>(&given), &length) == 0) {
    port = ntohs(given.ss_family == AF_INET ? reinterpret_cast<sockaddr_in*>(&given)->sin_port
                                            : reinterpret_cast<sockaddr_in6*>(&given)->sin6_port);
  }
  if (probe >= 0) ::close(probe);
  ::freeaddrinfo(place);
  return port;
}

std::string setting(redis::Connection& server, const char* name) {
  const auto reply = server.command({"CONFIG", "GET", name});
  return reply.size() < 2 ? "" : reply[1].str();
}

redis::Address listening(redis::Connection& server, const fs::path& home, const std::string& interface) {
  const auto interfaces = interfaces_here();
  const auto chosen = chosen_address(interfaces, interface, InterfaceHints::here());
  redis::Address address;
  address.password = home_secret(home);
  address.password_file = secret_file(home).string();
  address.port = std::atoi(setting(server, "port").c_str());
  if (address.port != 0) {
    address.host = setting(server, "bind");
    if (interface != "auto" && address.host != chosen) {
      throw Error(Exit::usage, "the blackboard already listens on " + address.host + ", not on " + interface +
                                   "; leave --interface away, or end it first: " + typed("serve --stop"));
    }
    return address;
  }
  // The address from before a restart, if possible: ranks that were connected try it first.
  const auto before = network_address(home);
  const bool again = before && (interface == "auto" ? std::ranges::any_of(interfaces, [&](const Interface& each) {
                                                        return each.address == before->host;
                                                      })
                                                    : before->host == chosen);
  address.host = again ? before->host : chosen;
  std::string why = "no port is free";
  for (int attempt = 0; attempt < port_attempts; ++attempt) {
    address.port = again && attempt == 0 ? before->port : free_port(address.host);
    if (address.port == 0) break;
    try {
      server.command({"CONFIG", "SET", "bind", address.host, "port", std::to_string(address.port)});
      return address;
    } catch (const redis::Refused& refused) {
      why = refused.what();  // another process took the port first
    }
  }
  throw Error(Exit::board, "the blackboard cannot listen on " + address.host + ": " + why +
                               "; give another --interface, or --board redis://host:port");
}

}  // namespace

// An empty password would open the blackboard to every user who can reach it. Does not make a new one: a server may use the
// one that was there.
std::string home_secret(const fs::path& home) {
  const auto file = secret_file(home);
  auto secret = private_line(file);
  if (secret.size() >= least_secret || !fs::exists(fs::symlink_status(file))) return secret;
  throw Error(Exit::usage, "cannot use " + file.string() + ": it holds no password of at least " + std::to_string(least_secret) +
                               " characters; remove it, and end a blackboard that runs (" + typed("serve --stop") +
                               "): the next start makes another");
}

std::string make_home_secret(const fs::path& home) {
  made_once(secret_file(home), random_secret() + "\n");
  return home_secret(home);
}

redis::Address socket_address(const fs::path& home) {
  redis::Address address;
  std::error_code none;
  const auto guardian = guardian_here(home);
  address.socket = (guardian && fs::exists(guardian->socket, none) ? guardian->socket : socket_path(home)).string();
  address.password = home_secret(home);
  address.password_file = secret_file(home).string();
  const auto folder = fs::path(address.socket).parent_path();
  // In /tmp another user may have made it, and would get the password.
  if (fs::exists(folder, none)) check_private(folder, "remove it, or set XDG_RUNTIME_DIR to a folder of your own");
  return address;
}

redis::Address socket_address_to_make(const fs::path& home) {
  redis::Address address;
  address.socket = make_socket_path(home).string();
  address.password = make_home_secret(home);
  return address;
}

fs::path connection_file(const fs::path& home) { return home / "board"; }

void ask_to_listen(const fs::path& home) { made_once(connection_file(home), "wanted\n"); }

bool asked_to_listen(const fs::path& home) { return fs::exists(connection_file(home)) && !network_address(home); }

std::optional<redis::Address> network_address(const fs::path& home) {
  const auto line = private_line(connection_file(home));
  try {
    if (line.empty()) return std::nullopt;
    auto address = redis::parse_address(line);
    address.password_file = secret_file(home).string();
    return address;
  } catch (const Error&) {
    // "wanted", or not an address: the next server that listens writes it again.
  }
  return std::nullopt;
}

void shut_down(const redis::Address& address) noexcept {
  try {
    redis::Connection(address, end_bound).command({"SHUTDOWN", "NOSAVE"});
  } catch (const std::exception&) {
    // Expected: the server closes the connection.
  }
}

Answer ask(const redis::Address& address) {
  try {
    redis::Connection(address, ask_bound).command({"PING"});
    return Answer::ready;
  } catch (const redis::Refused& refused) {
    const std::string_view word = refused.word();
    if (word == "LOADING") return Answer::loading;
    return word == "WRONGPASS" || word == "NOAUTH" ? Answer::stranger : Answer::ready;
  } catch (const redis::Lost&) {
    return Answer::none;
  }
}

std::optional<redis::Address> answering(const fs::path& home) {
  if (auto here = socket_address(home); ask(here) != Answer::none) return here;
  if (auto there = network_address(home)) {
    const auto answer = ask(*there);
    if (answer == Answer::ready || answer == Answer::loading) return there;
  }
  return std::nullopt;
}

redis::Address open_to_network(const fs::path& home, const std::string& interface) {
  try {
    const Lock lock(secret_file(home));
    redis::Connection server(socket_address(home));
    auto address = listening(server, home, interface);
    if (const auto line = address.whole(); private_line(connection_file(home)) != line) {
      write_private(connection_file(home), line + "\n");
    }
    return address;
  } catch (const redis::Lost& lost) {
    throw Error(Exit::board, std::string("lost the blackboard before it listened: ") + lost.what() +
                                 "; the same command starts it again");
  } catch (const redis::Refused& refused) {
    throw Error(Exit::board, "the blackboard at " + socket_address(home).shown() +
                                 " does not say where it listens: " + refused.what() + "; end it: " + typed("serve --stop"));
  }
}

}  // namespace stint
