// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_told.hpp"

#include "base/program.hpp"
#include "cli/display.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace stint {
namespace {

constexpr long few_ranks = 64;
constexpr long short_threshold = 1000;  // milliseconds

}  // namespace

Told::Told(redis::Connection& connection) {
  const std::string info = connection.command({"INFO"}).str();
  for (std::size_t at = 0; at < info.size();) {
    const auto end = std::min(info.find_first_of("\r\n", at), info.size());
    const auto colon = info.find(':', at);
    if (colon < end) told_[info.substr(at, colon - at)] = info.substr(colon + 1, end - colon - 1);
    at = end + 1;
  }
  for (const auto* name : {"appendfsync", "save", "stop-writes-on-bgsave-error", "maxmemory", "maxmemory-policy",
                           "maxclients", "busy-reply-threshold", "bind", "protected-mode"}) {
    try {
      const auto reply = connection.command({"CONFIG", "GET", name});
      if (reply.size() == 2) told_[name] = reply[1].str().empty() ? "none" : reply[1].str();
    } catch (const redis::Refused&) {
      // NOPERM, unknown command: not reported.
    }
  }
}

std::string Told::operator[](const char* name) const {
  const auto found = told_.find(name);
  return found == told_.end() ? "" : found->second;
}

long long Told::number(const char* name) const { return std::strtoll((*this)[name].c_str(), nullptr, 10); }

Check role_check(const Told& told) {
  const std::string role = told["role"];
  if (role == "slave") {
    return {"role", Health::bad, "replica of " + told["master_host"] + ":" + told["master_port"],
            "it refuses writes; give the address of the primary", Exit::board};
  }
  if (role.empty()) return {"role", Health::ok, "not told", ""};
  return {"role", Health::ok, role == "master" ? "primary" : role, ""};
}

Check persistence_check(const Told& told) {
  const std::string aof = told["aof_enabled"];
  if (aof.empty()) return {"persistence", Health::ok, "not told", ""};
  const std::string sync = told["appendfsync"];
  if (aof != "1") {
    return {
        "persistence", Health::warn,
        "no append-only file" + std::string(told["save"].empty() || told["save"] == "none" ? "" : ", snapshots alone"),
        "a restart of the server loses the run" +
            std::string(told["save"].empty() || told["save"] == "none" ? "" : " since the last snapshot") +
            "; redis-cli CONFIG SET appendonly yes"};
  }
  const std::string found = "append-only file, appendfsync " + (sync.empty() ? "not told" : sync);
  if (sync == "no") {
    return {"persistence", Health::warn, found,
            "when its machine goes down, half a minute of commits is lost; redis-cli CONFIG SET appendfsync everysec"};
  }
  if (sync == "always") {
    return {"persistence", Health::warn, found,
            "every commit waits for the disk; everysec is enough: what a lost second held is computed again"};
  }
  return {"persistence", Health::ok, found, ""};
}

Check last_write_check(const Told& told) {
  const bool aof = told["aof_enabled"] == "1";
  if (aof && told["aof_last_write_status"] == "err") {
    return {"last write", Health::bad, "the append-only file could not be written",
            "it refuses writes until it can; make room on its disk, and see its log", Exit::board};
  }
  if (told["rdb_last_bgsave_status"] == "err") {
    const bool refuses = told["stop-writes-on-bgsave-error"] != "no" && told["save"] != "none";
    return {"last write", refuses ? Health::bad : Health::warn, "the last snapshot failed",
            refuses ? "it refuses writes until one succeeds; make room on its disk, and see its log"
                    : "see its log; Stint does not need snapshots",
            Exit::board};
  }
  if (aof && told["aof_last_bgrewrite_status"] == "err") {
    return {"last write", Health::warn, "the append-only file could not be rewritten",
            "it grows until it can; make room in memory and on its disk, and see its log"};
  }
  return {"last write", Health::ok, told["rdb_last_bgsave_status"].empty() ? "not told" : "ok", ""};
}

Check eviction_check(const Told& told) {
  const std::string policy = told["maxmemory_policy"].empty() ? told["maxmemory-policy"] : told["maxmemory_policy"];
  const bool limited = told.number("maxmemory") > 0;
  if (policy.empty()) return {"eviction", Health::ok, "not told; it has to be maxmemory-policy noeviction", ""};
  const std::string found = "maxmemory-policy " + policy + (limited ? "" : ", no maxmemory");
  if (policy == "noeviction") return {"eviction", Health::ok, found, ""};
  const std::string advice = "redis-cli CONFIG SET maxmemory-policy noeviction";
  if (limited) {
    return {"eviction", Health::bad, found, "it drops data when memory is short, so run refuses it; " + advice,
            Exit::board};
  }
  return {"eviction", Health::warn, found, "run refuses it as soon as a maxmemory is set; " + advice};
}

Check board_memory_check(const Told& told) {
  const auto used = static_cast<std::uint64_t>(told.number("used_memory"));
  const auto limit = static_cast<std::uint64_t>(told.number("maxmemory"));
  const auto machine = static_cast<std::uint64_t>(told.number("total_system_memory"));
  if (used == 0) return {"board memory", Health::ok, "not told", ""};
  if (limit > 0) {
    const std::string found = shown_bytes(used) + " of " + shown_bytes(limit) + " used";
    if (used < limit / 10 * 8) return {"board memory", Health::ok, found, ""};
    return {"board memory", Health::warn, found,
            "a run stops taking chunks when it is full; raise maxmemory, or remove runs: " + typed("rm RUN")};
  }
  const std::string found =
      shown_bytes(used) + (machine > 0 ? " of the machine's " + shown_bytes(machine) : "") + " used";
  if (machine == 0 || used < machine / 2) return {"board memory", Health::ok, found, ""};
  return {"board memory", Health::warn, found,
          "its fork for a rewrite may need as much again, and the kernel kills what does not fit; remove runs: " +
              typed("rm RUN")};
}

Check clients_check(const Told& told) {
  const long most = static_cast<long>(told.number("maxclients"));
  if (most <= 0) return {"clients", Health::ok, "not told", ""};
  const long taken = static_cast<long>(told.number("connected_clients"));
  const long ranks = std::max(0L, most - taken - long{connections_of_leader}) / long{connections_of_rank};
  const std::string found = fmt::format("{} of {} connected, {} fit{}", taken, most,
                                        counted(static_cast<std::uint64_t>(ranks), "more rank"), ranks == 1 ? "s" : "");
  if (ranks >= few_ranks) return {"clients", Health::ok, found, ""};
  return {"clients", ranks == 0 ? Health::bad : Health::warn, found,
          "further ranks are refused; redis-cli CONFIG SET maxclients 10000 (and see its ulimit -n)", Exit::board};
}

Check busy_check(const Told& told) {
  if (told["busy-reply-threshold"].empty()) return {"busy", Health::ok, "not told", ""};
  const auto threshold = told.number("busy-reply-threshold");
  const std::string found = fmt::format("busy-reply-threshold {} ms", threshold);
  if (threshold <= 0 || threshold >= short_threshold) return {"busy", Health::ok, found, ""};
  return {"busy", Health::warn, found,
          "ranks are turned away while a long script runs, and wait; redis-cli CONFIG SET busy-reply-threshold 5000"};
}

}  // namespace stint
