// SPDX-License-Identifier: Apache-2.0
#include "cli/data_lease.hpp"

#include "base/error.hpp"
#include "cli/private_file.hpp"
#include "engine/whereabouts.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <sstream>
#include <string_view>
#include <thread>

namespace stint {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;
constexpr std::string_view prefix = "serve.lease.";
constexpr std::uint64_t most_generations = std::uint64_t{1} << 53;  // one for each start of a guardian: never reached
constexpr auto lease_pause = std::chrono::milliseconds(100);

DataLease::Owner owner_of(const std::string& text) {
  DataLease::Owner owner;
  std::istringstream(text) >> owner.boot >> owner.pid >> owner.host;
  return owner;
}

// 0: not the name of a lease.
std::uint64_t generation_of(const std::string& name) {
  if (!name.starts_with(prefix)) return 0;
  const char* const end = name.data() + name.size();
  std::uint64_t generation = 0;
  const auto read = std::from_chars(name.data() + prefix.size(), end, generation);
  return read.ec == std::errc{} && read.ptr == end && generation < most_generations ? generation : 0;
}

// 0: there is no lease.
std::uint64_t newest_generation(const fs::path& home) {
  std::uint64_t newest = 0;
  for (const auto& entry : fs::directory_iterator(home)) {
    newest = std::max(newest, generation_of(entry.path().filename().string()));
  }
  return newest;
}

fs::path lease_file(const fs::path& home, std::uint64_t generation) {
  return home / (std::string(prefix) + std::to_string(generation));
}

// Empty: no guardian has the lease.
std::string boot_of_owner(const fs::path& home) {
  return owner_of(private_line(lease_file(home, newest_generation(home)))).boot;
}

bool write_whole(int descriptor, const std::string& text) {
  return ::pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

}  // namespace

// The lock works for all processes of a kernel, also those of another container.
DataLease::Owner DataLease::Owner::here() {
  const auto where = Whereabouts::here();
  return {where.host, where.boot.substr(0, where.boot.find('/')), where.pid};
}

fs::path DataLease::file(std::uint64_t generation) const {
  return lease_file(home_, generation);
}

std::uint64_t DataLease::newest() const { return newest_generation(home_); }

std::string DataLease::text() const {
  return owner_.boot + " " + std::to_string(owner_.pid) + " " + owner_.host + " " + std::to_string(beat_) + "\n";
}

DataLease::DataLease(fs::path home, Owner owner, double patience,
                     const std::function<void(const std::string& line)>& on_wait)
    : home_(std::move(home)), owner_(std::move(owner)) {
  std::string seen;
  std::uint64_t seen_generation = 0;
  auto since = steady_clock::now();
  bool told = false;
  while (true) {
    const auto last = newest();
    const auto now_there = last == 0 ? "" : private_line(file(last));
    const auto other = owner_of(now_there);
    const bool foreign = last != 0 && other.boot != owner_.boot;
    if (foreign && (last != seen_generation || now_there != seen)) {
      if (seen_generation != 0) {
        throw Error(Exit::board, "the blackboard's data in " + home_.string() + " are in use on " + other.host +
                                     ", and no server there answers us; give --interface there one that we reach, run "
                                     "there, or set STINT_HOME to another folder");
      }
      seen_generation = last;
      seen = now_there;
      since = steady_clock::now();
    }
    const auto waited = steady_clock::now() - since;
    // A living owner would have renewed it by then.
    if (foreign && on_wait && !told && waited > std::chrono::duration<double>(patience / 5)) {
      told = true;
      on_wait("the blackboard's data were last in use on " + other.host + "; waiting " +
              std::to_string(static_cast<int>(patience)) + " s for a sign of life from there");
    }
    if (foreign && waited < std::chrono::duration<double>(patience)) {
      std::this_thread::sleep_for(lease_pause);
      continue;
    }
    generation_ = last + 1;
    if (generation_ >= most_generations) {
      throw Error(Exit::damaged, "the number of " + file(last).string() + " is beyond all bounds; remove it");
    }
    const int made = ::open(file(generation_).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (made < 0 && errno == EEXIST) continue;  // another guardian was faster: look at its lease
    const bool written = made >= 0 && write_whole(made, text());
    const int error = errno;
    if (made >= 0) ::close(made);
    if (!written) {
      throw Error(Exit::board, "cannot write " + file(generation_).string() + ": " + std::strerror(error) +
                                   "; make room, or set STINT_HOME to another folder");
    }
    if (newest() != generation_) {
      std::error_code ignored;
      fs::remove(file(generation_), ignored);
      continue;
    }
    taken_over_ = foreign;
    break;
  }
  for (const auto& entry : fs::directory_iterator(home_)) {
    const auto name = entry.path().filename().string();
    std::error_code ignored;
    if (name.starts_with(prefix) && entry.path() != file(generation_)) fs::remove(entry.path(), ignored);
  }
}

DataLease::~DataLease() {
  try {
    const auto there = owner_of(private_line(file(generation_)));
    if (there.boot == owner_.boot && there.pid == owner_.pid) fs::remove(file(generation_));
  } catch (const std::exception&) {
    // Then the next guardian waits for the lease to expire.
  }
}

bool DataLease::renew() {
  const auto there = owner_of(private_line(file(generation_)));
  if (there.boot != owner_.boot || there.pid != owner_.pid || newest() != generation_) return false;
  ++beat_;
  const int descriptor = ::open(file(generation_).c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return errno != ENOENT;
  // A full disk is not a reason to give up: the text does not grow.
  [[maybe_unused]] const bool written = write_whole(descriptor, text());
  ::close(descriptor);
  return true;
}

bool held_elsewhere(const fs::path& home) {
  const auto boot = boot_of_owner(home);
  return !boot.empty() && boot != DataLease::Owner::here().boot;
}

void part_from_old_files(const fs::path& data, bool taken_over) {
  const fs::path old = data.string() + ".old";
  const fs::path copy = data.string() + ".new";
  if (!fs::exists(data) && fs::exists(old)) fs::rename(old, data);  // an earlier copy was not completed
  if (taken_over && fs::exists(data)) {
    fs::remove_all(copy);
    fs::copy(data, copy, fs::copy_options::recursive);
    fs::permissions(copy, fs::perms::owner_all);
    fs::rename(data, old);
    fs::rename(copy, data);
  }
  fs::remove_all(old);
  fs::remove_all(copy);
}

}  // namespace stint
