// SPDX-License-Identifier: Apache-2.0
#include "cli/private_file.hpp"

#include "base/error.hpp"
#include "base/write_whole.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <pwd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace stint {
namespace {

namespace fs = std::filesystem;
constexpr off_t longest_line = 4096;

[[noreturn]] void refuse(const fs::path& file, int error) {
  throw Error(Exit::board, "cannot write " + file.string() + ": " + std::strerror(error) +
                               "; make room, or set STINT_HOME to another folder");
}

// mkstemp makes the file for the user alone, whatever the umask.
std::string written_beside(const fs::path& file, std::string_view text) {
  std::string name = file.string() + ".XXXXXX";
  const int descriptor = ::mkstemp(name.data());
  if (descriptor < 0) refuse(file, errno);
  int error = write_whole(descriptor, text);
  if (error == 0 && ::fsync(descriptor) != 0) error = errno;
  ::close(descriptor);
  if (error != 0) {
    ::unlink(name.c_str());
    refuse(file, error);
  }
  return name;
}

}  // namespace

void write_private(const fs::path& file, std::string_view text) {
  const auto beside = written_beside(file, text);
  if (::rename(beside.c_str(), file.c_str()) == 0) return;
  const int error = errno;
  ::unlink(beside.c_str());
  refuse(file, error);
}

// The kernel refuses a link to an existing name, on every file system and for all hosts.
std::string made_once(const fs::path& file, std::string_view text) {
  struct stat info {};
  if (::lstat(file.c_str(), &info) != 0) {
    const auto beside = written_beside(file, text);
    const int error = ::link(beside.c_str(), file.c_str()) == 0 ? 0 : errno;
    ::unlink(beside.c_str());
    if (error != 0 && error != EEXIST) refuse(file, error);
  }
  return private_line(file);
}

std::string private_line(const fs::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return "";
  struct stat info {};
  if (descriptor < 0 || ::fstat(descriptor, &info) != 0) {
    const auto why = errno == ELOOP ? "it is a link" : std::strerror(errno);
    throw Error(Exit::usage, "cannot use " + file.string() + ": " + why + "; remove it, or set STINT_HOME to a folder of your own");
  }
  std::string text(static_cast<std::size_t>(S_ISREG(info.st_mode) ? std::min<off_t>(info.st_size, longest_line) : 0), '\0');
  const auto count = ::read(descriptor, text.data(), text.size());
  ::close(descriptor);
  if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid()) {
    throw Error(Exit::usage, "cannot use " + file.string() + ": " +
                                 (S_ISREG(info.st_mode) ? "it belongs to " + shown_user(info.st_uid) : "it is not a file") +
                                 "; set STINT_HOME to a folder of your own");
  }
  if ((info.st_mode & 077) != 0) {
    throw Error(Exit::usage, "cannot use " + file.string() + ": other users may read it or write to it; chmod 600 it, if you "
                                                             "trust what is in it");
  }
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return text.substr(0, text.find('\n'));
}

std::string line_of(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

void make_private_folder(const fs::path& folder) {
  const bool made = ::mkdir(folder.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) {
    throw Error(Exit::usage, "cannot make " + folder.string() + ": " + std::strerror(errno) +
                                 "; set STINT_HOME to a folder that you may write");
  }
  check_private(folder, "set STINT_HOME to a folder of your own");
  if (!made) ::chmod(folder.c_str(), 0700);
}

void check_private(const fs::path& folder, const std::string& advice) {
  struct stat info {};
  std::string why;
  if (::lstat(folder.c_str(), &info) != 0) {
    why = std::strerror(errno);
  } else if (!S_ISDIR(info.st_mode)) {
    why = S_ISLNK(info.st_mode) ? "it is a link" : "it is not a folder";
  } else if (info.st_uid != ::geteuid()) {
    why = "it belongs to " + shown_user(info.st_uid);
  } else if ((info.st_mode & 022) != 0) {
    why = "other users may write to it (chmod go-w it, if you trust what is in it)";
  }
  if (!why.empty()) throw Error(Exit::usage, "cannot use " + folder.string() + ": " + why + "; " + advice);
}

void check_own_file(const fs::path& file) {
  struct stat info {};
  if (::lstat(file.c_str(), &info) != 0) return;
  if (S_ISREG(info.st_mode) && info.st_uid == ::geteuid()) return;
  const std::string why = S_ISLNK(info.st_mode)    ? "it is a link"
                          : !S_ISREG(info.st_mode) ? "it is not a file"
                                                   : "it belongs to " + shown_user(info.st_uid);
  throw Error(Exit::usage, "cannot use " + file.string() + ": " + why + "; remove it, or set STINT_HOME to a folder of your own");
}

std::string shown_user(unsigned int user) {
  const auto* entry = ::getpwuid(user);
  return entry != nullptr ? std::string("user ") + entry->pw_name : "user " + std::to_string(user);
}

std::string random_secret() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw Error(Exit::board, std::string("the system gives no random bytes: ") + std::strerror(errno));
  }
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) text += {digits[byte / 16], digits[byte % 16]};
  return text;
}

}  // namespace stint
