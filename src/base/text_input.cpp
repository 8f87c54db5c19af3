// SPDX-License-Identifier: Apache-2.0
#include "base/text_input.hpp"

#include <stint/error.hpp>
#include <stint/text.hpp>

#include "base/environment.hpp"
#include "base/input_error.hpp"
#include "base/notes.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace stint {
namespace {

constexpr const char* kept_variable = "STINT_STDIN";

bool files_only = false;

constexpr std::size_t most_bytes = std::size_t{512} << 20;  // the maximum of --plan-limit

// Reads the descriptor from its beginning to its end, and closes it.
std::string content_of(int descriptor, const std::string& path) {
  std::string text;
  std::string piece(std::size_t{1} << 16, '\0');
  for (;;) {
    const auto size = ::read(descriptor, piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    const int error = size < 0 ? errno : 0;
    if (size <= 0) ::close(descriptor);
    if (error != 0) throw bad_input(path, error);
    if (size == 0) return text;
    text.append(piece, 0, static_cast<std::size_t>(size));
    if (text.size() > most_bytes) {
      ::close(descriptor);
      throw BadInput("input " + shown(path) + ": it is larger than 512 MiB, and a list is kept in memory: cut it into several");
    }
  }
}

std::string read_standard_input() {
  if (::isatty(STDIN_FILENO) != 0) {
    std::fputs("stint: reading lines from the terminal; Ctrl-D on an empty line ends them\n", stderr);
  }
  const int descriptor = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
  return descriptor < 0 ? "" : content_of(descriptor, "-");
}

// The file in which the launcher keeps a path for its ranks; empty: it keeps none.
std::string kept(const std::string& path) {
  const auto kept_input = environment(kept_variable);
  if (kept_input.empty() || is_standard_input(path)) return kept_input;
  std::string name = kept_input + ".";
  for (char c : path) name += c == '/' ? "%2F" : c == '%' ? "%25" : std::string(1, c);
  return name;
}

bool can_be_read_once(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode) && !S_ISDIR(facts.st_mode);
}

void write_file(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "wbxe");
  bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const int error = errno;
  if (file != nullptr && std::fclose(file) != 0) written = false;
  if (!written) {
    throw BadInput("cannot keep standard input for the ranks in " + path + ": " +
                   std::generic_category().message(error) + "; make room, or set TMPDIR to a folder that has some");
  }
}

}  // namespace

bool is_standard_input(std::string_view path) {
  static constexpr std::string_view names[] = {"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"};
  return std::ranges::find(names, path) != std::end(names);
}

bool is_of_this_call(std::string_view path) {
  return is_standard_input(path) || path.starts_with("/dev/fd/") || path.starts_with("/proc/self/fd/");
}

void read_files_only() { files_only = true; }

bool standard_input_is_null() {
  if (files_only) return true;
  const auto file = kept("-");
  struct stat facts {};
  if (!file.empty() && ::stat(file.c_str(), &facts) == 0) return false;
  if (::fstat(STDIN_FILENO, &facts) != 0 || (::fcntl(STDIN_FILENO, F_GETFL) & O_ACCMODE) == O_WRONLY) return true;  // standard input is closed
  return S_ISCHR(facts.st_mode) && facts.st_rdev == ::makedev(1, 3);
}

std::vector<ReadOnce> read_once(const std::vector<std::string>& paths) {
  ::unsetenv(kept_variable);
  std::vector<ReadOnce> texts;
  for (const auto& path : paths) {
    const bool input = is_standard_input(path);
    if (input ? standard_input_is_null() : !can_be_read_once(path)) continue;
    const auto is_known = [&](const auto& known) { return known.path == path || (input && is_standard_input(known.path)); };
    if (std::ranges::none_of(texts, is_known)) texts.push_back({path, read_whole(path)});
  }
  return texts;
}

void keep_texts(const std::vector<ReadOnce>& texts, const std::filesystem::path& folder) {
  ::unsetenv(kept_variable);
  if (texts.empty()) return;
  ::setenv(kept_variable, (folder / "stdin").c_str(), 1);
  for (const auto& [path, text] : texts) write_file(kept(path), text);
}

std::string read_whole(const std::string& path) {
  if (files_only && is_of_this_call(path)) return "";
  if (const auto file = kept(path); !file.empty()) {
    if (const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC); descriptor >= 0) {
      return content_of(descriptor, path);
    }
  }
  if (is_standard_input(path)) return read_standard_input();
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw bad_input(path, errno);
  return content_of(descriptor, path);
}

std::string read_text(const std::string& path) {
  std::string text = read_whole(path);
  const std::string name = is_standard_input(path) ? "standard input" : shown(path);
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    throw BadInput("input " + name + ": it is UTF-16, whose every other byte is NUL: convert it by iconv -f UTF-16 -t UTF-8");
  }
  if (text.starts_with("\xef\xbb\xbf")) {
    text.erase(0, 3);
    note("the byte-order mark at the beginning of " + name + " is left out");
  }
  std::size_t ends = 0;
  std::size_t to = 0;
  for (std::size_t from = 0; from < text.size(); ++from) {
    const bool is_end = text[from] == '\r' && (from + 1 < text.size() ? text[from + 1] == '\n' : ends > 0);
    ends += is_end ? 1 : 0;
    if (!is_end) text[to++] = text[from];
  }
  text.resize(to);
  if (ends > 0) {
    note(std::to_string(ends) + (ends == 1 ? " line" : " lines") + " of " + name +
         " ended as in Windows; the carriage returns are left out");
  }
  return text;
}

}  // namespace stint
