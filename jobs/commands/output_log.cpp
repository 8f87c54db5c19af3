// SPDX-License-Identifier: Apache-2.0
#include "output_log.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace stint::commands {
namespace {

constexpr std::size_t copied_bytes = std::size_t{1} << 16;  // bytes copied at a time

[[noreturn]] void refuse(const std::string& what, const std::string& path, const char* advice = "") {
  throw std::runtime_error(what + " " + path + ": " + std::strerror(errno) + advice);
}

// XXH3, but never 0.
class Checksum {
 public:
  Checksum() { XXH3_64bits_reset(&state_); }
  void add(std::string_view text) { XXH3_64bits_update(&state_, text.data(), text.size()); }
  [[nodiscard]] std::uint64_t value() const { return std::max<std::uint64_t>(XXH3_64bits_digest(&state_), 1); }

 private:
  XXH3_state_t state_;
};

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

// Returns exactly these bytes, or throws std::runtime_error.
std::string read_part(int file, std::uint64_t at, std::uint64_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t read = 0; read < text.size();) {
    const auto got = ::pread(file, text.data() + read, text.size() - read, static_cast<off_t>(at + read));
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = EIO;
    if (got <= 0) refuse("cannot read the output of a command in", Scratch::folder());
    read += static_cast<std::size_t>(got);
  }
  return text;
}

}  // namespace

Scratch::~Scratch() {
  if (file_ >= 0) ::close(file_);
}

std::string Scratch::folder() {
  const char* folder = std::getenv("TMPDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/tmp";
}

std::uint64_t Scratch::bytes() const {
  struct stat info {};
  if (::fstat(file_, &info) != 0) refuse("cannot see the output of a command in", folder());
  return static_cast<std::uint64_t>(info.st_size);
}

std::string Scratch::beginning(std::uint64_t limit) const { return read_part(file_, 0, std::min(limit, bytes())); }

std::string Scratch::last_line(std::uint64_t limit) const {
  const auto all = bytes();
  const auto size = std::min<std::uint64_t>(all, copied_bytes);
  std::string text = read_part(file_, all - size, size);
  const auto end = text.find_last_not_of(" \t\r\n");
  text.resize(end == text.npos ? 0 : end + 1);
  text.erase(0, text.find_last_of("\r\n") + 1);
  if (text.size() > limit) text.resize(limit);
  return text;
}

int Scratch::fresh() {
  if (file_ >= 0) {
    if (bytes() > 0 && ::ftruncate(file_, 0) != 0) refuse("cannot empty a file in", folder());
    return file_;
  }
  file_ = ::open(folder().c_str(), O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
  if (file_ < 0) {  // not every file system supports O_TMPFILE
    std::string name = folder() + "/stint-output-XXXXXX";
    file_ = ::mkostemp(name.data(), O_APPEND | O_CLOEXEC);
    const bool no_descriptor = errno == EMFILE || errno == ENFILE;
    if (file_ < 0) refuse("cannot keep the output of commands in", folder(), no_descriptor ? "; raise ulimit -n" : "; set TMPDIR");
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
  if (source.bytes == 0) return 0;
  const std::string path = folder_ / (name_ + suffix);
  if (file.descriptor < 0) {
    file.descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file.descriptor < 0) refuse("cannot write the output of commands to", path);
    file.end = static_cast<std::uint64_t>(::lseek(file.descriptor, 0, SEEK_END));
  }
  Checksum sum;
  std::uint64_t at = 0;
  while (at < source.bytes) {
    const auto text = source.from(at);
    const auto written = ::write(file.descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      // No record points behind the end; without the partial write there may be room for others.
      [[maybe_unused]] const int ignored = ::ftruncate(file.descriptor, static_cast<off_t>(file.end));
      file.end = static_cast<std::uint64_t>(::lseek(file.descriptor, 0, SEEK_END));
      errno = error;
      refuse("cannot write the output of commands to", path, "; make room there, then the same command goes on");
    }
    sum.add(text.substr(0, static_cast<std::size_t>(written)));
    at += static_cast<std::uint64_t>(written);
  }
  file.end += at;
  return sum.value();
}

Place OutputLog::append(const Source& out, const Source& err) {
  const std::lock_guard lock(mutex_);
  Place place;
  place.out_sum = append(out_, out, ".out");
  place.err_sum = append(err_, err, ".err");
  place.log = name_;
  place.out_bytes = out.bytes;
  place.out_at = out_.end - out.bytes;
  place.err_bytes = err.bytes;
  place.err_at = err_.end - err.bytes;
  return place;
}

Place OutputLog::append(const Scratch& out, const Scratch& err) {
  std::string buffer;
  auto source = [&](const Scratch& scratch) {
    const auto bytes = scratch.bytes();
    return Source{bytes, [&, bytes](std::uint64_t at) {
                    buffer = read_part(scratch.descriptor(), at, std::min<std::uint64_t>(bytes - at, copied_bytes));
                    return std::string_view(buffer);
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

namespace {

// Calls `use` with the bytes of a part, piece by piece. False: the file ends before the part does.
template <class Use>
bool read_pieces(int file, Part part, Use use) {
  std::vector<char> buffer(std::min<std::uint64_t>(part.bytes, copied_bytes));
  while (part.bytes > 0) {
    const auto got = ::pread(file, buffer.data(), std::min<std::uint64_t>(buffer.size(), part.bytes), static_cast<off_t>(part.at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    use(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
    part.at += static_cast<std::uint64_t>(got);
    part.bytes -= static_cast<std::uint64_t>(got);
  }
  return true;
}

}  // namespace

// Reads the part twice, the second time from memory, so that nothing of a damaged output is shown.
Shown show(const std::filesystem::path& path, const Part& part, const std::string& tag, std::ostream& to) {
  if (part.bytes == 0) return Shown::whole;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return Shown::missing;
  Checksum sum;
  bool whole = part.sum == 0 || read_pieces(file, part, [&](std::string_view text) { sum.add(text); });
  const bool damaged = whole && part.sum != 0 && sum.value() != part.sum;
  bool line_begins = true;
  whole = whole && !damaged && read_pieces(file, part, [&](std::string_view text) { show_part(text, tag, line_begins, to); });
  ::close(file);
  if (damaged) return Shown::damaged;
  return whole ? Shown::whole : Shown::missing;
}

}  // namespace stint::commands
