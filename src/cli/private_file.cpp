// SPDX-License-Identifier: Apache-2.0
#include "cli/private_file.hpp"

#include "base/error.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sys/random.h>
#include <unistd.h>

namespace stint {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& file, int error) {
  throw Error(Exit::board, "cannot write " + file.string() + ": " + std::strerror(error) +
                               "; make room, or set STINT_HOME to another folder");
}

// mkstemp makes it for the user alone, whatever the umask.
std::string written_beside(const fs::path& file, std::string_view text) {
  std::string name = file.string() + ".XXXXXX";
  const int descriptor = ::mkstemp(name.data());
  if (descriptor < 0) refuse(file, errno);
  const bool whole = ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                     ::fsync(descriptor) == 0;
  const int error = errno;
  ::close(descriptor);
  if (!whole) {
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

// A link to a name that is there is refused, on every file system and for all hosts.
std::string made_once(const fs::path& file, std::string_view text) {
  if (!fs::exists(file)) {
    const auto beside = written_beside(file, text);
    const int error = ::link(beside.c_str(), file.c_str()) == 0 ? 0 : errno;
    ::unlink(beside.c_str());
    if (error != 0 && error != EEXIST) refuse(file, error);
  }
  return line_of(file);
}

std::string line_of(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
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
