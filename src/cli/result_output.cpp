// SPDX-License-Identifier: Apache-2.0
#include "cli/result_output.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace stint {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw Error(Exit::usage, "cannot write the result to " + path.string() + ": " + why +
                               "; what is computed stays on the blackboard: stint result last --output FILE");
}

void write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse("stdout", std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

class Straight final : public std::streambuf {
 public:
  Straight() { setp(buffer_, buffer_ + sizeof buffer_); }

 private:
  int sync() override {
    write_all(STDOUT_FILENO, {pbase(), static_cast<std::size_t>(pptr() - pbase())});
    setp(buffer_, buffer_ + sizeof buffer_);
    return 0;
  }
  int_type overflow(int_type c) override {
    sync();
    if (c != traits_type::eof()) sputc(static_cast<char>(c));
    return traits_type::not_eof(c);
  }
  char buffer_[65536];
};

}  // namespace

ResultOutput::ResultOutput(std::filesystem::path path) : path_(std::move(path)) {
  if (path_.empty()) return;
  const auto status = std::filesystem::status(path_);
  if (std::filesystem::is_directory(status)) refuse(path_, "it is a folder");
  // A file is renamed into place: that would take the place of a device or a pipe.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    refuse(path_, "it is a device or a pipe; leave --output away and redirect stdout");
  }
  open(path_);
}

ResultOutput::~ResultOutput() { clear(); }

void ResultOutput::clear() {
  memory_.str("");
  for (auto& [name, file] : files_) {
    file->stream.exceptions(std::ios::goodbit);  // what is thrown away need not be whole
    file->stream.close();
    std::error_code ignored;
    std::filesystem::remove(file->temporary, ignored);
  }
  files_.clear();
}

ResultOutput::File& ResultOutput::open(const std::filesystem::path& path) {
  auto& file = files_[path.string()];
  if (!file) {
    file = std::make_unique<File>();
    file->path = path;
    file->temporary = path.string() + ".part-" + std::to_string(::getpid());
    file->stream.open(file->temporary, std::ios::binary | std::ios::trunc);
    if (!file->stream) {
      const std::string why = std::strerror(errno);
      files_.erase(path.string());
      refuse(path, why);
    }
    file->stream.exceptions(std::ios::badbit | std::ios::failbit);
  }
  return *file;
}

void ResultOutput::go_live() {
  if (live_ || !path_.empty()) return;
  straight_ = std::make_unique<Straight>();
  live_ = std::make_unique<std::ostream>(straight_.get());
  live_->exceptions(std::ios::badbit);  // passes on what write_all throws
}

void ResultOutput::flush() {
  if (live_) live_->flush();
}

std::ostream& ResultOutput::text() {
  if (live_) return *live_;
  if (path_.empty()) return memory_;
  return open(path_).stream;
}

std::ostream& ResultOutput::file(const std::string& name) {
  if (name.empty() || name.find('/') != name.npos) throw std::invalid_argument("a file of the result has a name without '/'");
  return open(path_.parent_path() / name).stream;
}

void ResultOutput::publish() {
  flush();
  if (path_.empty()) {
    write_all(STDOUT_FILENO, memory_.view());
    memory_.str("");
  }
  for (auto& [name, file] : files_) {
    try {
      file->stream.close();
    } catch (const std::ios_base::failure&) {
      refuse(file->path, std::strerror(errno));
    }
    const int descriptor = ::open(file->temporary.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || ::fsync(descriptor) != 0) {
      const std::string why = std::strerror(errno);
      if (descriptor >= 0) ::close(descriptor);
      refuse(file->path, why);
    }
    ::close(descriptor);
    if (::rename(file->temporary.c_str(), file->path.c_str()) != 0) refuse(file->path, std::strerror(errno));
  }
  files_.clear();
}

}  // namespace stint
