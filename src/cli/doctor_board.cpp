// SPDX-License-Identifier: Apache-2.0
// Doctor's checks of the blackboard: the connection, its password, its clock, and whether it accepts a script. They write
// one thing: a removal that removes nothing, sent as the script that a run would send.
#include "base/clock.hpp"
#include "base/program.hpp"
#include "blackboard/blackboard.hpp"
#include "blackboard/directory.hpp"
#include "blackboard/keys.hpp"
#include "cli/doctor_told.hpp"
#include "redis/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sys/stat.h>

namespace stint {
namespace {

using std::chrono::steady_clock;
constexpr int pings = 200;
constexpr double ping_bound = 3;           // seconds, for all pings
constexpr double slow_round_trip = 0.002;  // seconds
constexpr double wrong_clock = 1;          // seconds

double seconds_since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

Check version_check(const redis::Address& address, const Told& told, std::size_t runs) {
  const std::string version = told["redis_version"];
  const std::string valkey = told["valkey_version"];
  const std::string found =
      fmt::format("{}, {}, {}", address.shown(), valkey.empty() ? "Redis " + version : "Valkey " + valkey,
                  runs == 1 ? "1 run" : fmt::format("{} runs", runs));
  if (std::atoi(version.c_str()) >= 7) return {"board", Health::ok, found, ""};
  return {"board", Health::bad, found, "Stint needs 7.0 or later; without --board it starts one of its own",
          Exit::board};
}

Check cluster_check(redis::Connection& connection, const Told& told) {
  const std::string enabled = told["cluster_enabled"];
  if (enabled != "1") return {"cluster", Health::ok, enabled.empty() ? "not told" : "none", ""};
  std::string size = "?";
  try {
    const std::string info = connection.command({"CLUSTER", "INFO"}).str();
    const auto at = info.find("cluster_size:");
    if (at != info.npos) size = std::to_string(std::atoi(info.c_str() + at + 13));
  } catch (const redis::Refused&) {
    // Not reported: treated as if there were several.
  }
  if (size == "1") return {"cluster", Health::ok, "of one shard", ""};
  return {
      "cluster", Health::bad, size + " shards",
      "keys that lie on another shard are refused, and Stint does not follow there; give a Redis that is no cluster",
      Exit::board};
}

// Whether a script of a run would be accepted now: permissions, memory, disk, role.
Check scripts_check(redis::Connection& connection) {
  try {
    connection.command({"EVAL", "#!lua\nreturn redis.call('ZREM', KEYS[1], '')", "1", keys::runs});
    return {"scripts", Health::ok, "a script that writes is taken", ""};
  } catch (const redis::Refused& refused) {
    const auto word = refused.word();
    const auto advice = word == "OOM"         ? "give it more maxmemory, or remove runs: " + typed("rm RUN")
                         : word == "MISCONF"  ? "it cannot write its files; make room on its disk, and see its log"
                         : word == "READONLY" ? "give the address of the primary"
                         : word == "NOPERM"   ? "its user needs EVAL, EVALSHA, SCRIPT and the keys stint:*"
                                              : "a run would be refused in the same way";
    return {"scripts", Health::bad, refused.what(), advice, Exit::board};
  }
}

Check round_trip_check(redis::Connection& connection) {
  std::vector<double> times;
  const auto begin = steady_clock::now();
  while (times.size() < pings && seconds_since(begin) < ping_bound) {
    const auto sent = steady_clock::now();
    connection.command({"PING"});
    times.push_back(seconds_since(sent));
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  const std::string found =
      fmt::format("{:.2f} ms, at most {:.2f} ms (median of {})", median * 1000, times.back() * 1000, times.size());
  if (median <= slow_round_trip) return {"round trip", Health::ok, found, ""};
  return {"round trip", Health::warn, found,
          "each claim and each steal waits that long; use a blackboard nearer to the ranks, or larger chunks"};
}

// None: the second connection, which this needs, could not be made.
std::optional<bool> answers_without_password(redis::Address address) {
  address.user.clear();
  address.password.clear();
  try {
    redis::Connection(address, std::chrono::seconds(5)).command({"PING"});
    return true;
  } catch (const redis::Refused& refused) {
    if (refused.word() == "NOAUTH") return false;
  } catch (const redis::Lost&) {
  }
  return std::nullopt;
}

bool is_loopback(const std::string& host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

// 'bind' is a list of addresses; a '-' before one means that it may be missing.
bool binds_loopback_alone(const std::string& bind) {
  for (std::size_t at = 0; at < bind.size();) {
    const auto end = std::min(bind.find(' ', at), bind.size());
    std::string one = bind.substr(at, end - at);
    if (one.starts_with('-')) one.erase(0, 1);
    if (!one.empty() && !is_loopback(one)) return false;
    at = end + 1;
  }
  return true;
}

Check access_check(const redis::Address& address, const Told& told) {
  const auto open = answers_without_password(address);
  if (!open) return {"access", Health::ok, "not told", ""};
  if (!*open) return {"access", Health::ok, "asks for a password", ""};
  if (!address.socket.empty()) {
    struct stat socket {};
    struct stat folder {};
    const bool known = ::stat(address.socket.c_str(), &socket) == 0 &&
                       ::stat(std::filesystem::path(address.socket).parent_path().c_str(), &folder) == 0;
    if (!known || (socket.st_mode & 022U) == 0 || (folder.st_mode & 011U) == 0) {
      return {"access", Health::ok, "a socket that others may not use", ""};
    }
    return {"access", Health::warn, fmt::format("a socket of mode {:o}, without a password", socket.st_mode & 0777U),
            "other users of this machine can change your runs; chmod 700 it"};
  }
  const bool reached =
      !is_loopback(address.host) || (told["protected-mode"] == "no" && !binds_loopback_alone(told["bind"]));
  if (!reached) return {"access", Health::ok, "no password, open to this machine alone", ""};
  return {"access", Health::warn, "no password, open to the network",
          "whoever reaches it can change your runs; set requirepass, and give the password in $STINT_BOARD"};
}

Check board_clock_check(redis::Connection& connection) {
  try {
    const double before = unix_now();
    const auto reply = connection.command({"TIME"});
    const double after = unix_now();
    const double theirs = static_cast<double>(reply[0].integer()) + static_cast<double>(reply[1].integer()) / 1e6;
    const double ahead = theirs - (before + after) / 2;
    const std::string found =
        std::fabs(ahead) < 0.01 ? "as ours"
                                : fmt::format("{:.2f} s {} ours", std::fabs(ahead), ahead > 0 ? "ahead of" : "behind");
    if (std::fabs(ahead) <= wrong_clock) return {"board clock", Health::ok, found, ""};
    return {"board clock", Health::warn, found, "times shown are wrong by that, leases are not; synchronise both"};
  } catch (const redis::Refused&) {
    return {"board clock", Health::ok, "not told", ""};
  }
}

std::vector<Check> checks_of(const redis::Address& address) {
  const auto runs = Directory(address).runs().size();  // reports the errors that would also end a run
  redis::Connection connection(address, std::chrono::seconds(5));
  const Told told(connection);
  std::vector<Check> checks{version_check(address, told, runs)};
  if (checks.front().health == Health::bad) return checks;
  checks.push_back(role_check(told));
  checks.push_back(cluster_check(connection, told));
  checks.push_back(scripts_check(connection));
  checks.push_back(persistence_check(told));
  checks.push_back(last_write_check(told));
  checks.push_back(eviction_check(told));
  checks.push_back(board_memory_check(told));
  checks.push_back(clients_check(told));
  checks.push_back(busy_check(told));
  checks.push_back(access_check(address, told));
  checks.push_back(board_clock_check(connection));
  checks.push_back(round_trip_check(connection));
  for (auto& check : checks) {
    if (const auto at = check.advice.find("redis-cli "); at != check.advice.npos) check.advice.replace(at, 9, address.client());
  }
  return checks;
}

}  // namespace

std::vector<Check> board_checks(const redis::Address& address, bool embedded) {
  if (embedded) {
    try {
      const redis::Connection probe(address, std::chrono::seconds(5));
    } catch (const redis::Lost&) {
      return {{"board", Health::ok, "none is running; " + typed("run") + " starts it", ""}};
    } catch (const redis::Refused&) {
      // It answers, and the checks below report what it refuses.
    }
  }
  try {
    return checks_of(address);
  } catch (const Error& error) {
    return {bad_check("board", error.what(), Exit::board)};
  } catch (const redis::Refused& refused) {
    return {{"board", Health::bad, address.shown() + " refuses: " + refused.what(),
             "its user needs PING and INFO, as for a run", Exit::board}};
  } catch (const std::runtime_error& lost) {  // BoardLost, redis::Lost
    const std::string why = lost.what();
    if (why.find("Protocol error") != why.npos) {
      return {{"board", Health::bad, "what answers at " + address.shown() + " is not Redis",
               "check the address given by --board", Exit::board}};
    }
    return {{"board", Health::bad, why,
             embedded ? "wait until it has loaded its data, or see redis.log in its home"
                      : "start the blackboard, or check --board",
             Exit::board}};
  }
}

}  // namespace stint
