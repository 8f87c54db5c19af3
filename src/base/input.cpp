// SPDX-License-Identifier: Apache-2.0
// Finds input files and cuts their bytes into chunks. Made for a million small files: one stat a file, names sorted
// folder by folder, a chunk found by binary search. The order never depends on the locale or on the file system: it is
// the order of the bytes of the paths, as if all paths of one argument were sorted at once.
#include <stint/error.hpp>
#include <stint/input.hpp>
#include <stint/text.hpp>

#include "base/input_error.hpp"
#include "base/own_folder.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <memory>
#include <sstream>
#include <stdexcept>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace stint {
namespace {

std::int64_t nanoseconds(const struct timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

/// Asks the kernel only if the permission bits are not clear: with a million files each call counts.
void check_readable(const std::string& path, const struct stat& facts) {
  constexpr ::mode_t all = S_IRUSR | S_IRGRP | S_IROTH;
  if ((facts.st_mode & all) == all) return;
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0) throw bad_input(path, errno);
}

/// Refuses files in Stint's own folder. Of the regular files in one folder, only the first is checked: there may be a
/// million.
class OwnFiles {
 public:
  void refuse(const std::string& path) {
    struct stat facts {};
    const bool plain = ::lstat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode);
    const auto folder = path.substr(0, path.rfind('/'));
    if (plain && folder == foreign_) return;
    if (lies_in_own_folder(path)) {
      throw BadInput("input " + shown(path) + ": it lies in the folder where Stint keeps its own files, which change with every run: name"
                     " other input, or set STINT_HOME to another folder");
    }
    if (plain) foreign_ = folder;
  }

 private:
  std::string foreign_ = "\n";  // not the path of any folder
};

struct Found {
  std::string name;  ///< for a directory with a '/' at the end: so the order of names is the order of whole paths
  InputFile file;    ///< without its path
};

/// The contents of a directory, sorted. Closes it before it returns, so that depth costs no descriptors.
std::vector<Found> list(const std::string& directory) {
  const std::unique_ptr<::DIR, int (*)(::DIR*)> stream(::opendir(directory.c_str()), ::closedir);
  if (!stream) throw bad_input(directory, errno);
  std::vector<Found> found;
  for (;;) {
    errno = 0;
    const ::dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) {
      if (errno != 0) throw bad_input(directory, errno);
      break;
    }
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (entry->d_type == DT_DIR) {
      found.push_back({name + '/', {}});
      continue;
    }
    if (entry->d_type != DT_REG && entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN) continue;
    struct stat facts {};
    if (::fstatat(::dirfd(stream.get()), name.c_str(), &facts, 0) != 0) {
      if (errno == ENOENT || errno == ELOOP) continue;  // a dangling link, or removed meanwhile
      throw bad_input(directory + name, errno);
    }
    if (S_ISDIR(facts.st_mode) && entry->d_type == DT_UNKNOWN) {
      // Some file systems do not report the type: then only lstat tells a directory from a link to one.
      struct stat own {};
      if (::fstatat(::dirfd(stream.get()), name.c_str(), &own, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(own.st_mode)) {
        found.push_back({name + '/', {}});
      }
    }
    if (!S_ISREG(facts.st_mode)) continue;
    if (entry->d_type != DT_REG && lies_in_own_folder(directory + name)) continue;  // a link to one of Stint's own files
    check_readable(directory + name, facts);
    found.push_back({std::move(name), {{}, static_cast<std::uint64_t>(facts.st_size), nanoseconds(facts.st_mtim)}});
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.name < b.name; });
  return found;
}

/// `directory` ends in '/'.
void search(const std::string& directory, std::vector<InputFile>& files) {
  for (Found& found : list(directory)) {
    if (found.name.back() == '/') {
      struct stat facts {};
      if (::stat((directory + found.name).c_str(), &facts) == 0 && is_own_folder(facts)) continue;
      search(directory + found.name, files);
    } else {
      found.file.path = directory + found.name;
      files.push_back(std::move(found.file));
    }
  }
}

void add_input(const std::string& argument, const std::filesystem::path& folder, OwnFiles& own, std::vector<InputFile>& files) {
  if (argument.empty()) throw BadInput("an input has an empty name: name files or directories");
  std::string path = (folder / argument).lexically_normal();
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) throw bad_input(path, errno);
  own.refuse(path);
  if (S_ISDIR(facts.st_mode)) {
    const std::size_t before = files.size();
    search(path == "/" ? path : path + '/', files);
    if (files.size() == before) {
      throw BadInput("input " + shown(path) + ": no file in this directory: name one that holds the input");
    }
    return;
  }
  if (!S_ISREG(facts.st_mode)) {
    throw BadInput("input " + shown(path) +
                   ": not a regular file, and chunks are read by their place in it: write its content to a file first");
  }
  check_readable(path, facts);
  files.push_back({std::move(path), static_cast<std::uint64_t>(facts.st_size), nanoseconds(facts.st_mtim)});
}

}  // namespace

const std::vector<InputFile>& Inputs::files() const {
  if (known_) return files_;
  if (empty()) throw BadInput("no input: name files or directories");
  const std::filesystem::path folder = std::filesystem::current_path();
  std::vector<InputFile> files;
  OwnFiles own;
  for (const std::string& path : paths) add_input(path, folder, own, files);
  for (const std::string& list_file : list_files) {
    std::istringstream lines(read_text(list_file));
    const std::size_t before = files.size();
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty()) add_input(line, folder, own, files);
    }
    if (files.size() == before) {
      throw BadInput("input " + shown(list_file) + ": this list names no file: write one path a line into it");
    }
  }
  files_ = std::move(files);
  known_ = true;
  return files_;
}

Pieces::Pieces(std::vector<InputFile> files, std::uint64_t chunk_bytes)
    : files_(std::move(files)), chunk_bytes_(chunk_bytes == 0 ? 1 : chunk_bytes) {
  add_up();
}

void Pieces::add_up() {
  if (chunk_bytes_ == 0) throw std::invalid_argument("a plan whose chunks have no bytes");
  ends_.clear();
  ends_.reserve(files_.size());
  std::uint64_t end = 0;
  for (const InputFile& file : files_) {
    if (file.size > std::numeric_limits<std::uint64_t>::max() - end) {
      throw std::invalid_argument("a plan of more than 2^64 bytes");
    }
    end += file.size;
    ends_.push_back(end);
  }
}

std::uint64_t Pieces::size() const {
  const std::uint64_t total = ends_.empty() ? 0 : ends_.back();
  return total / chunk_bytes_ + (total % chunk_bytes_ != 0 ? 1 : 0);
}

std::vector<Span> Pieces::operator[](std::uint64_t chunk) const {
  std::uint64_t at = chunk * chunk_bytes_;
  const std::uint64_t end = std::min(ends_.back() - at, chunk_bytes_) + at;
  auto file = static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), at) - ends_.begin());
  std::vector<Span> spans;
  for (; at < end; ++file) {
    const std::uint64_t begin = ends_[file] - files_[file].size;
    const std::uint64_t stop = std::min(ends_[file], end);
    if (stop > at) spans.push_back({&files_[file], at - begin, stop - at});
    at = stop;
  }
  return spans;
}

Pieces pieces(const Inputs& inputs, std::uint64_t chunk_bytes) {
  const std::vector<InputFile>& files = inputs.files();
  if (chunk_bytes == 0) {
    std::uint64_t total = 0;
    for (const InputFile& file : files) total += file.size;
    chunk_bytes = std::clamp(total / 256, std::uint64_t{1} << 20, std::uint64_t{64} << 20);
  }
  return {files, chunk_bytes};
}

}  // namespace stint
