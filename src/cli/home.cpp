// SPDX-License-Identifier: Apache-2.0
#include "cli/home.hpp"

#include "base/error.hpp"
#include "codec/frame.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace stint {
namespace {

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

}  // namespace

std::filesystem::path home_path() {
  namespace fs = std::filesystem;
  fs::path home;
  if (const char* given = environment("STINT_HOME")) {
    home = given;
  } else if (const char* state = environment("XDG_STATE_HOME")) {
    home = fs::path(state) / "stint";
  } else if (const char* user = environment("HOME")) {
    home = fs::path(user) / ".local/state/stint";
  } else {
    return {};
  }
  return fs::absolute(home).lexically_normal();
}

std::filesystem::path home_folder() {
  namespace fs = std::filesystem;
  const fs::path home = home_path();
  if (home.empty()) {
    throw Error(Exit::usage, "no folder for the blackboard's data: neither STINT_HOME nor HOME is set; set STINT_HOME");
  }
  std::error_code error;
  const bool made = fs::create_directories(home, error);
  if (error || ::access(home.c_str(), W_OK | X_OK) != 0) {
    throw Error(Exit::usage, "cannot use " + home.string() + " for the blackboard's data: " +
                                 (error ? error.message() : std::strerror(errno)) +
                                 "; set STINT_HOME to a folder that you may write");
  }
  if (made) ::chmod(home.c_str(), 0700);
  return home;
}

std::filesystem::path store_folder(const std::string& run) { return home_folder() / "runs" / run; }

std::filesystem::path socket_path(const std::filesystem::path& home) {
  namespace fs = std::filesystem;
  const char* runtime = environment("XDG_RUNTIME_DIR");
  const std::string user = std::to_string(::getuid());
  fs::path folder = runtime != nullptr && std::strlen(runtime) < 60 && ::access(runtime, W_OK) == 0
                        ? fs::path(runtime)
                        : fs::path("/tmp");
  folder /= "stint-" + user + "-" + codec::digest(home.string()).substr(0, 12);
  struct stat info {};
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    throw Error(Exit::usage, "cannot make " + folder.string() + " for the blackboard's socket: " +
                                 std::strerror(errno) + "; set XDG_RUNTIME_DIR to a folder that you may write");
  }
  // In /tmp anybody may have made it before us.
  if (::lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != ::getuid() ||
      (info.st_mode & 077) != 0) {
    throw Error(Exit::usage, folder.string() + " belongs to somebody else or is open to others; remove it, or set "
                                               "XDG_RUNTIME_DIR to a folder of your own");
  }
  return folder / "redis.sock";
}

}  // namespace stint
