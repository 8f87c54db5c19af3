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

void show_part(std::string_view text, const std::string& tag, bool& line_begins, std::ostream& to) {
  if (tag.empty()) {
    to << text;
    return;
  }
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size() - 1) + 1;
    if (line_begins) to << tag << '\t';
    to << text.substr(from, end - from);
    line_begins = text[end - 1] == '\n';
    from = end;
  }
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

std::string Scratch::beginning(std::uint64_t limit) const {
  std::string text(std::min(limit, bytes()), '\0');
  std::size_t read = 0;
  while (read < text.size()) {
    const auto got = ::pread(file_, text.data() + read, text.size() - read, static_cast<off_t>(read));
    if (got <= 0) break;
    read += static_cast<std::size_t>(got);
  }
  text.resize(read);
  return text;
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

std::uint64_t OutputLog::append(File& file, const Source& source, const char* suffix) {
  if (source.most == 0) return 0;
  const std::string path = folder_ / (name_ + suffix);
  if (file.descriptor < 0) {
    file.descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file.descriptor < 0) refuse("cannot write the output of commands to", path);
  }
  file.end =
      static_cast<std::uint64_t>(::lseek(file.descriptor, 0, SEEK_END));  // behind what a full disk may have cut off
  std::uint64_t at = 0;
  while (at < source.most) {
    const auto text = source.from(at);
    if (text.empty()) break;  // truncated meanwhile, by somebody who lives on
    for (std::size_t done = 0; done < text.size();) {
      const auto written = ::write(file.descriptor, text.data() + done, text.size() - done);
      if (written < 0 && errno != EINTR) refuse("cannot write the output of commands to", path);
      done += static_cast<std::size_t>(std::max<ssize_t>(written, 0));
    }
    at += text.size();
  }
  file.end += at;
  return at;
}

Place OutputLog::append(const Source& out, const Source& err) {
  const std::lock_guard lock(mutex_);
  Place place;
  place.log = name_;
  place.out_bytes = append(out_, out, ".out");
  place.out_at = out_.end - place.out_bytes;
  place.err_bytes = append(err_, err, ".err");
  place.err_at = err_.end - place.err_bytes;
  return place;
}

Place OutputLog::append(const Scratch& out, const Scratch& err) {
  std::vector<char> buffer(std::min<std::uint64_t>(std::max(out.bytes(), err.bytes()), piece));
  auto source = [&](const Scratch& scratch) {
    return Source{scratch.bytes(), [&](std::uint64_t at) {
                    const auto got = ::pread(scratch.descriptor(), buffer.data(), buffer.size(), static_cast<off_t>(at));
                    return std::string_view(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
                  }};
  };
  return append(source(out), source(err));
}

Place OutputLog::append(const Carried& carried) {
  auto source = [](const std::string& text) {
    return Source{text.size(), [&](std::uint64_t at) { return std::string_view(text).substr(at); }};
  };
  return append(source(carried.out), source(carried.err));
}

void show(std::string_view text, const std::string& tag, std::ostream& to) {
  bool line_begins = true;
  show_part(text, tag, line_begins, to);
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
    show_part(text, tag, line_begins, to);
    at += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::uint64_t>(got);
  }
  ::close(file);
  return bytes == 0;
}

}  // namespace stint::commands
