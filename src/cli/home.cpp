// SPDX-License-Identifier: Apache-2.0
#include "cli/home.hpp"

#include "base/environment.hpp"
#include "base/error.hpp"
#include "cli/private_file.hpp"
#include "codec/frame.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <pwd.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace stint {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t longest_runtime_folder = 60;

}  // namespace

fs::path home_path() {
  fs::path home;
  if (const auto given = environment("STINT_HOME"); !given.empty()) {
    home = given;
  } else if (const auto state = environment("XDG_STATE_HOME"); !state.empty()) {
    home = fs::path(state) / "stint";
  } else if (const auto folder = environment("HOME"); !folder.empty()) {
    home = fs::path(folder) / ".local/state/stint";
  } else if (const auto* user = ::getpwuid(::geteuid()); user != nullptr && user->pw_dir != nullptr) {
    home = fs::path(user->pw_dir) / ".local/state/stint";
  } else {
    return {};
  }
  std::error_code error;
  const auto absolute = fs::absolute(home, error);
  if (error) {
    throw Error(Exit::usage, "cannot find " + home.string() + ", the folder of the blackboard's data: the working folder: " +
                                 error.message() + "; set STINT_HOME to an absolute path");
  }
  auto canonical = fs::weakly_canonical(absolute, error);
  if (error) canonical = absolute.lexically_normal();
  return canonical.has_filename() ? canonical : canonical.parent_path();
}

bool home_is_there(const fs::path& home) {
  struct stat info {};
  if (::stat(home.c_str(), &info) == 0) return true;
  if (errno == ENOENT) return false;
  const std::string why = std::strerror(errno);
  fs::path above = home.root_path();
  for (const auto& part : home.relative_path()) {
    if (::stat((above / part).c_str(), &info) != 0) break;
    above /= part;
  }
  const auto owner = ::stat(above.c_str(), &info) == 0 ? ", which belongs to " + shown_user(info.st_uid) : "";
  throw Error(Exit::usage, "cannot use " + home.string() + " for the blackboard's data: " + why + " in " + above.string() + owner +
                               "; set STINT_HOME to a folder of your own");
}

fs::path home_folder() {
  const fs::path home = home_path();
  const std::string advice = "set STINT_HOME to a folder of your own";
  if (home.empty()) {
    throw Error(Exit::usage, "no folder for the blackboard's data: neither STINT_HOME nor HOME is set, and user " +
                                 std::to_string(::geteuid()) + " has no passwd entry; " + advice);
  }
  std::error_code error;
  if (!home_is_there(home)) {
    fs::create_directories(home.parent_path(), error);
    if (!error && ::mkdir(home.c_str(), 0700) != 0 && errno != EEXIST) error.assign(errno, std::generic_category());
  }
  if (!error) check_private(home, advice);
  if (error || ::access(home.c_str(), W_OK | X_OK) != 0) {
    throw Error(Exit::usage, "cannot use " + home.string() + " for the blackboard's data: " +
                                 (error ? error.message() : std::strerror(errno)) + "; " + advice);
  }
  return home;
}

fs::path store_folder(const std::string& run) { return store_folder(home_folder(), run); }

fs::path store_folder(const fs::path& home, const std::string& run) {
  const auto runs = home / "runs";
  struct stat info {};
  for (const auto& folder : {runs, runs / run}) {
    if (::lstat(folder.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) continue;  // other users cannot pass through the home
    throw Error(Exit::usage, "cannot use " + folder.string() + ": it is a link; remove it, or set STINT_HOME to a folder on another disk");
  }
  return runs / run;
}

fs::path socket_path(const fs::path& home) {
  const auto runtime = environment("XDG_RUNTIME_DIR");
  const bool good = runtime.starts_with('/') && runtime.size() < longest_runtime_folder &&
                    runtime.find('\n') == runtime.npos && ::access(runtime.c_str(), W_OK | X_OK) == 0;
  return fs::path(good ? runtime : "/tmp") /
         ("stint-" + std::to_string(::geteuid()) + "-" + codec::digest(home.string()).substr(0, 12)) / "redis.sock";
}

fs::path make_socket_path(const fs::path& home) {
  const auto socket = socket_path(home);
  const auto folder = socket.parent_path();
  const std::string advice = "remove it, or set XDG_RUNTIME_DIR to a folder of your own";
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    throw Error(Exit::usage, "cannot make " + folder.string() + " for the blackboard's socket: " +
                                 std::strerror(errno) + "; set XDG_RUNTIME_DIR to a folder that you may write");
  }
  check_private(folder, advice);  // in /tmp any user may have made it before
  ::chmod(folder.c_str(), 0700);
  return socket;
}

}  // namespace stint
