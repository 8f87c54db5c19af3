// SPDX-License-Identifier: Apache-2.0
#include "cli/call_folder.hpp"

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "base/write_whole.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sstream>
#include <unistd.h>

namespace stint {
namespace {

constexpr std::string_view result_word = "result";

}  // namespace

std::string ExitReport::encode() const {
  return std::to_string(code) + (result_bytes ? " " + std::string(result_word) + " " + std::to_string(*result_bytes) : "");
}

std::optional<ExitReport> ExitReport::decode(const std::string& text) {
  std::istringstream words(text);
  ExitReport report;
  if (!(words >> report.code) || report.code < 0 || report.code > 255) return std::nullopt;
  std::string word;
  std::uint64_t bytes = 0;
  if (words >> word >> bytes && word == result_word) report.result_bytes = bytes;
  return report;
}

std::filesystem::path CallFolder::printing(int start) const { return path_ / ("printing." + std::to_string(start)); }

std::filesystem::path CallFolder::error(int start) const { return path_ / ("error." + std::to_string(start)); }

std::optional<ExitReport> CallFolder::exit_report() const {
  std::ifstream file(exit());
  std::string line;
  std::getline(file, line);
  return ExitReport::decode(line);
}

bool leave_note(const std::filesystem::path& file, std::string_view text) {
  std::string name = file.string() + ".XXXXXX";
  const UniqueFd made(::mkostemp(name.data(), O_CLOEXEC));
  if (!made) return false;
  int error = write_whole(made.get(), text);
  if (error == 0 && ::rename(name.c_str(), file.c_str()) == 0) return true;
  if (error == 0) error = errno;
  ::unlink(name.c_str());
  errno = error;
  return false;
}

bool claim(const std::filesystem::path& file) {
  const UniqueFd made(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  return made || (errno != EEXIST && errno != ENOENT);
}

void write_words(const std::filesystem::path& file, const std::vector<std::string>& words) {
  std::ofstream stream(file, std::ios::binary);
  for (const auto& word : words) stream << word << '\0';
  if (!stream.flush()) {
    throw Error(Exit::usage, "cannot write " + file.string() + ": " + std::strerror(errno) + "; make room, or set TMPDIR");
  }
}

std::vector<std::string> read_words(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream.is_open() || (!text.empty() && text.back() != '\0')) {
    throw Error(Exit::usage, "cannot read " + file.string() + ", which the launcher wrote" +
                                 (stream.is_open() ? std::string(": its end is missing") : std::string(": ") + std::strerror(errno)));
  }
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    words.emplace_back(text.c_str() + at);
    at += words.back().size() + 1;
  }
  return words;
}

}  // namespace stint
