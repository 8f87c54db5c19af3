// SPDX-License-Identifier: Apache-2.0
#include "cli/output_file.hpp"

#include "base/error.hpp"
#include "base/standard_descriptors.hpp"
#include "cli/terminal.hpp"
#include "mpi/world.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace stint {
namespace {

namespace fs = std::filesystem;

constexpr int most_links = 40;                                // as many as Linux follows
constexpr auto silent_wait = std::chrono::milliseconds(500);  // for a reader that starts at the same time
constexpr auto reader_patience = std::chrono::seconds(10);
constexpr auto reader_look = std::chrono::milliseconds(20);
constexpr std::size_t longest_stem = 200;                     // bytes of a name, so that a suffix fits

std::string why(int error) { return std::strerror(error); }

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// Whether a canonical folder is one in which Linux shows the descriptors of a process.
bool shows_descriptors(const fs::path& folder) {
  const auto& text = folder.native();
  return text.starts_with("/proc/") && text.ends_with("/fd");
}

bool shows_our_descriptors(const fs::path& folder) {
  return shows_descriptors(folder) && folder.native().starts_with("/proc/" + std::to_string(::getpid()) + "/");
}

}  // namespace

PassingBuffer::PassingBuffer(std::function<void(std::string_view)> write) : write_(std::move(write)) {
  setp(buffer_, buffer_ + sizeof buffer_);
}

int PassingBuffer::sync() {
  const std::string_view bytes(pbase(), static_cast<std::size_t>(pptr() - pbase()));
  setp(buffer_, buffer_ + sizeof buffer_);
  if (!bytes.empty()) write_(bytes);
  return 0;
}

PassingBuffer::int_type PassingBuffer::overflow(int_type c) {
  sync();
  if (c != traits_type::eof()) sputc(static_cast<char>(c));
  return traits_type::not_eof(c);
}

std::streamsize PassingBuffer::xsputn(const char* bytes, std::streamsize size) {
  if (size > epptr() - pptr()) sync();
  if (size > epptr() - pptr()) {
    write_({bytes, static_cast<std::size_t>(size)});
  } else {
    std::copy_n(bytes, size, pptr());
    pbump(static_cast<int>(size));
  }
  return size;
}

int descriptor_of(const fs::path& path) {
  fs::path at = path;
  std::error_code error;
  for (int links = 0; links < most_links; ++links) {
    const auto folder = fs::canonical(folder_of(at), error);
    if (error) return -1;
    const auto name = at.filename().native();
    if (shows_our_descriptors(folder)) {
      int number = -1;
      const auto read = std::from_chars(name.data(), name.data() + name.size(), number);
      return read.ec == std::errc{} && read.ptr == name.data() + name.size() ? number : -1;
    }
    if (shows_descriptors(folder)) return -1;
    const auto target = fs::read_symlink(at, error);
    if (error) return -1;
    at = folder / target;
  }
  return -1;
}

UniqueFd open_to_write(const fs::path& path, const fs::path& named, int flags) {
  const auto begun = std::chrono::steady_clock::now();
  for (bool said = false;; std::this_thread::sleep_for(reader_look)) {
    UniqueFd opened(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | flags, 0666));
    const int error = errno;
    std::error_code ignored;
    const auto waited = std::chrono::steady_clock::now() - begun;
    if (opened || error != ENXIO || !fs::is_fifo(path, ignored) || waited > reader_patience) {
      errno = error;
      return opened;
    }
    if (waited > silent_wait && !std::exchange(said, true)) {
      Terminal::standard().line("waiting up to 10 s for a reader of the pipe " + named.string());
    }
  }
}

OutputFile::OutputFile(fs::path path, std::string what) : named_(std::move(path)), what_(std::move(what)) {
  std::error_code error;
  if (named_.filename().empty() || fs::is_directory(named_, error)) refuse("it is a folder");
  if (const int number = descriptor_of(named_); number >= 0) {
    way_ = Way::through;
    const int flags = ::fcntl(number, F_GETFL);
    if (flags < 0 || (number > STDERR_FILENO && !inherited(number))) {
      refuse("there is no descriptor " + std::to_string(number) +
             (mpi::under_launcher() ? "; ranks do not have those of your shell: give a file or a named pipe" : ""));
    }
    if ((flags & O_ACCMODE) == O_RDONLY) refuse("descriptor " + std::to_string(number) + " cannot be written");
    if (number == STDOUT_FILENO || number == STDERR_FILENO) {
      standard_ = number;
    } else {
      descriptor_ = UniqueFd(::fcntl(number, F_DUPFD_CLOEXEC, 0));
      if (!descriptor_) refuse(why(errno));
    }
    return;
  }
  follow_links();
  const auto status = fs::status(path_, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    way_ = Way::through;
    open_pipe_or_device();
  } else {
    try_folder();
  }
}

OutputFile::~OutputFile() { clear(); }

void OutputFile::refuse(const std::string& reason) const {
  throw Error(Exit::usage, "cannot write " + what_ + " to " + named_.string() + ": " + reason);
}

// Follows the links; the target of the last one need not exist yet.
void OutputFile::follow_links() {
  path_ = named_;
  std::error_code error;
  for (int links = 0; fs::is_symlink(fs::symlink_status(path_, error)); ++links) {
    if (links == most_links) refuse(why(ELOOP));
    const auto folder = fs::canonical(folder_of(path_), error);
    if (error) refuse(error.message());
    if (shows_descriptors(folder)) return;  // a descriptor of another process: opened, not followed
    const auto target = fs::read_symlink(path_, error);
    if (error) refuse(error.message());
    path_ = folder / target;
  }
}

void OutputFile::open_pipe_or_device() {
  descriptor_ = open_to_write(path_, named_, O_NOCTTY);
  if (!descriptor_) refuse(errno == ENXIO ? "nobody reads this pipe; start its reader first" : why(errno));
}

// Creates a new file beside it, under a name that no other process uses.
UniqueFd OutputFile::make_beside() {
  const std::string stem = path_.filename().native().substr(0, longest_stem) + ".part-" + std::to_string(::getpid());
  for (int number = 0;; ++number) {
    temporary_ = folder_of(path_) / (stem + (number == 0 ? "" : "-" + std::to_string(number)));
    UniqueFd made(::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (made || errno != EEXIST || number == 100) return made;
  }
}

// Checks the path before hours of computing are spent. If no file can be made in the folder, as for a mounted file, the
// file is written in place.
void OutputFile::try_folder() {
  const auto made = make_beside();
  const int error = errno;
  if (made) ::unlink(temporary_.c_str());
  temporary_.clear();
  struct stat info {};
  const bool there = ::stat(path_.c_str(), &info) == 0;
  if (!there && errno != ENOENT) refuse(why(errno));
  if (there && ::access(path_.c_str(), W_OK) != 0) refuse(why(errno));
  if (made) return;
  if (!there || (error != EACCES && error != EPERM && error != EROFS)) refuse(why(error));
  way_ = Way::in_place;
}

std::ostream& OutputFile::stream() {
  if (stream_) return *stream_;
  if (way_ == Way::whole) {
    descriptor_ = make_beside();
    if (!descriptor_) {
      const int error = errno;
      temporary_.clear();
      refuse(why(error));
    }
  }
  buffer_ = std::make_unique<PassingBuffer>([this](std::string_view bytes) { keep(bytes); });
  stream_ = std::make_unique<std::ostream>(buffer_.get());
  stream_->exceptions(std::ios::badbit);  // passes on exceptions of keep()
  return *stream_;
}

void OutputFile::keep(std::string_view bytes) {
  if (way_ == Way::whole) {
    write(descriptor_.get(), bytes);
  } else {
    memory_.append(bytes);
  }
}

void OutputFile::write(int descriptor, std::string_view bytes) const {
  while (!bytes.empty()) {
    const auto written = ::write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (errno == EAGAIN) {
      pollfd ready{descriptor, POLLOUT, 0};
      ::poll(&ready, 1, -1);  // for as long as a blocking write; the reader decides
    } else if (errno != EINTR) {
      refuse(why(errno));
    }
  }
}

bool OutputFile::same_bytes() const {
  const UniqueFd old(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat before {}, now {};
  if (!old || ::fstat(old.get(), &before) != 0 || ::fstat(descriptor_.get(), &now) != 0) return false;
  if (before.st_size != now.st_size) return false;
  std::string left(std::size_t{1} << 18, '\0'), right(left.size(), '\0');
  for (off_t at = 0; at < now.st_size;) {
    const auto got = ::pread(old.get(), left.data(), left.size(), at);
    if (got <= 0 || ::pread(descriptor_.get(), right.data(), static_cast<std::size_t>(got), at) != got) return false;
    if (std::memcmp(left.data(), right.data(), static_cast<std::size_t>(got)) != 0) return false;
    at += got;
  }
  return true;
}

void OutputFile::publish() {
  stream().flush();
  if (standard_ >= 0) {
    standard_ == STDOUT_FILENO ? Terminal::standard().out(memory_) : Terminal::standard().err(memory_);
  } else if (way_ == Way::through) {
    write(descriptor_.get(), memory_);
  } else if (way_ == Way::in_place) {
    const UniqueFd file(::open(path_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    if (!file) refuse(why(errno));
    write(file.get(), memory_);
    if (::fsync(file.get()) != 0) refuse(why(errno));
  } else if (!same_bytes()) {
    struct stat before {};
    if (::stat(path_.c_str(), &before) == 0) {
      [[maybe_unused]] const int owner = ::fchown(descriptor_.get(), before.st_uid, before.st_gid);  // root keeps the owner
      ::fchmod(descriptor_.get(), before.st_mode & 07777);
    }
    if (::fsync(descriptor_.get()) != 0) refuse(why(errno));
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) refuse(why(errno));
    temporary_.clear();
  }
  clear();
}

void OutputFile::clear() {
  stream_.reset();
  buffer_.reset();
  memory_.clear();
  if (way_ == Way::whole) descriptor_.reset();
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

void write_output(const fs::path& path, const std::string& what, std::string_view text) {
  OutputFile file(path, what);
  file.stream() << text;
  file.publish();
}

}  // namespace stint
