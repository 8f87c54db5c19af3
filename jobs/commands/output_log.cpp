// SPDX-License-Identifier: Apache-2.0
#include "output_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace stint::commands {
namespace {

constexpr std::size_t piece = std::size_t{1} << 16;  // bytes copied at a time

[[noreturn]] void refuse(const std::string& what, const std::string& path) {
  throw std::runtime_error(what + " " + path + ": " + std::strerror(errno));
}

}  // namespace

Scratch::~Scratch() { drop(); }

void Scratch::drop() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
}

std::uint64_t Scratch::bytes() const {
  struct stat info {};
  return ::fstat(file_, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

int Scratch::fresh() {
  if (file_ >= 0 && bytes() == 0) return file_;  // nothing was written, so nobody is likely to
  drop();
  const std::string folder = std::filesystem::temp_directory_path();
  file_ = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
  if (file_ < 0) {  // not every file system has it
    std::string name = folder + "/stint-output-XXXXXX";
    file_ = ::mkostemp(name.data(), O_APPEND | O_CLOEXEC);
    if (file_ < 0) refuse("cannot make a file for the output of a command in", folder);
    ::unlink(name.c_str());
  }
  return file_;
}

OutputLog::OutputLog(std::filesystem::path folder, const std::string& worker)
    : folder_(std::move(folder)), name_([&] {
        std::string name = worker;
        std::ranges::replace(name, '/', '.');
        return name;
      }()) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  errno = error.value();
  if (error) refuse("cannot make the folder for the output of commands,", folder_);
}

OutputLog::~OutputLog() {
  for (auto* file : {&out_, &err_}) {
    if (file->descriptor >= 0) ::close(file->descriptor);
  }
}

std::uint64_t OutputLog::append(File& file, const Scratch& scratch, const char* suffix) {
  std::uint64_t left = scratch.bytes();
  if (left == 0) return 0;
  const std::string path = folder_ / (name_ + suffix);
  if (file.descriptor < 0) {
    file.descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file.descriptor < 0) refuse("cannot write the output of commands to", path);
  }
  file.end =
      static_cast<std::uint64_t>(::lseek(file.descriptor, 0, SEEK_END));  // behind what a full disk may have cut off
  std::vector<char> buffer(std::min<std::uint64_t>(left, piece));
  off_t at = 0;
  while (left > 0) {
    const auto got = ::pread(scratch.descriptor(), buffer.data(), buffer.size(), at);
    if (got <= 0) break;  // truncated meanwhile, by somebody who lives on
    for (ssize_t done = 0; done < got;) {
      const auto written = ::write(file.descriptor, buffer.data() + done, static_cast<std::size_t>(got - done));
      if (written < 0 && errno != EINTR) refuse("cannot write the output of commands to", path);
      done += std::max<ssize_t>(written, 0);
    }
    at += got;
    left -= std::min<std::uint64_t>(left, static_cast<std::uint64_t>(got));
  }
  file.end += static_cast<std::uint64_t>(at);
  return static_cast<std::uint64_t>(at);
}

Place OutputLog::append(const Scratch& out, const Scratch& err) {
  const std::lock_guard lock(mutex_);
  Place place;
  place.log = name_;
  place.out_bytes = append(out_, out, ".out");
  place.out_at = out_.end - place.out_bytes;
  place.err_bytes = append(err_, err, ".err");
  place.err_at = err_.end - place.err_bytes;
  return place;
}

bool show(const std::filesystem::path& path, std::uint64_t at, std::uint64_t bytes, const std::string& tag,
          std::ostream& to) {
  if (bytes == 0) return true;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  std::vector<char> buffer(std::min<std::uint64_t>(bytes, piece));
  bool line_begins = true;
  while (bytes > 0) {
    const auto got =
        ::pread(file, buffer.data(), std::min<std::uint64_t>(buffer.size(), bytes), static_cast<off_t>(at));
    if (got <= 0) break;
    const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
    if (tag.empty()) {
      to << text;
    } else {
      for (std::size_t from = 0; from < text.size();) {
        const auto end = std::min(text.find('\n', from), text.size() - 1) + 1;
        if (line_begins) to << tag << '\t';
        to << text.substr(from, end - from);
        line_begins = text[end - 1] == '\n';
        from = end;
      }
    }
    at += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::uint64_t>(got);
  }
  ::close(file);
  return bytes == 0;
}

}  // namespace stint::commands
