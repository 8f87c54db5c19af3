// SPDX-License-Identifier: Apache-2.0
#include "engine/whereabouts.hpp"

#include "base/environment.hpp"
#include "base/json_field.hpp"
#include "base/process_stat.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <unistd.h>

namespace stint {
namespace {

std::string boot_id() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  char name[64] = "";
  const auto length = ::readlink("/proc/self/ns/pid", name, sizeof name - 1);
  return id + (length > 0 ? "/" + std::string(name, static_cast<std::size_t>(length)) : "");
}

// With the cluster: a rank of another cluster may join the run, and job numbers repeat.
std::string batch_job() {
  const auto job = environment("SLURM_JOB_ID");  // each task of an array has its own
  return job.empty() ? "" : environment("SLURM_CLUSTER_NAME") + ":" + job;
}

nlohmann::json parsed(const std::string& text) { return nlohmann::json::parse(text, nullptr, false); }

bool on_this_host(const nlohmann::json& who, const Whereabouts& here) {
  return json_field(who, "host", std::string()) == here.host && json_field(who, "boot", std::string()) == here.boot &&
         json_field(who, "pid", std::int64_t{0}) > 0;
}

bool lives(const nlohmann::json& who) {
  return process_start(json_field(who, "pid", std::int64_t{0})) == json_field(who, "start", std::uint64_t{0});
}

}  // namespace

std::uint64_t process_start(std::int64_t pid) {
  const auto stat = process_stat(pid);
  return stat && stat->state != 'Z' && stat->state != 'X' ? stat->start : 0;
}

std::string Whereabouts::json() const {
  return nlohmann::json{{"host", host}, {"boot", boot},   {"pid", pid},         {"start", start},
                        {"rank", rank}, {"world", world}, {"threads", threads}, {"version", version},
                        {"lease", lease},
                        {"batch_job", batch_job}, {"batch_restart", batch_restart}, {"guest", guest}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Whereabouts Whereabouts::here() {
  Whereabouts where;
  char name[256] = "localhost";
  ::gethostname(name, sizeof name - 1);
  where.host = name;
  where.boot = boot_id();
  where.pid = ::getpid();
  where.start = process_start(where.pid);
  where.batch_job = stint::batch_job();
  where.batch_restart = std::atoi(environment("SLURM_RESTART_COUNT").c_str());
  return where;
}

bool is_guest(const std::string& json) { return json_field(parsed(json), "guest", false); }

std::string world_of(const std::string& json) { return json_field(parsed(json), "world", std::string()); }

bool known_gone(const std::string& json, const Whereabouts& here) {
  const auto who = parsed(json);
  if (!who.is_object()) return false;
  if (!here.batch_job.empty() && json_field(who, "batch_job", std::string()) == here.batch_job &&
      json_field(who, "batch_restart", 0) < here.batch_restart) {
    return true;
  }
  return on_this_host(who, here) && !lives(who);
}

bool known_alive(const std::string& json, const Whereabouts& here) {
  const auto who = parsed(json);
  return on_this_host(who, here) && lives(who);
}

std::string new_worker_id(const Whereabouts& here) {
  std::random_device device;
  char random[9];
  std::snprintf(random, sizeof random, "%08x", static_cast<unsigned>(device()));
  return here.host + "/" + std::to_string(here.rank) + "." + random;
}

}  // namespace stint
