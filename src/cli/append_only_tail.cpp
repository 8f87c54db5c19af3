// SPDX-License-Identifier: Apache-2.0
#include "cli/append_only_tail.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <strings.h>

namespace stint {
namespace {

namespace fs = std::filesystem;

// Reads commands of the Redis protocol one after another.
class Commands {
 public:
  explicit Commands(std::FILE* file, std::uint64_t size) : file_(file), size_(size) {}

  /// The first word of the next command, if it is a single word, else an empty text. None: it is not whole.
  std::optional<std::string> next() {
    const auto count = header('*');
    if (!count) return std::nullopt;
    std::string only;
    for (std::uint64_t i = 0; i < *count; ++i) {
      const auto length = header('$');
      if (!length || *length + 2 > size_ - at_) return std::nullopt;
      if (*count == 1 && *length <= 8) {
        only.resize(*length);
        if (std::fread(only.data(), 1, *length, file_) != *length) return std::nullopt;
        std::fseek(file_, 2, SEEK_CUR);
      } else {
        std::fseek(file_, static_cast<long>(*length + 2), SEEK_CUR);
      }
      at_ += *length + 2;
    }
    return only;
  }
  [[nodiscard]] std::uint64_t at() const { return at_; }
  /// What stands there is no command: not for us to judge.
  [[nodiscard]] bool damaged() const { return damaged_; }

 private:
  // "*3\r\n" → 3. Lines of remarks are skipped.
  std::optional<std::uint64_t> header(char kind) {
    char line[256];
    do {
      if (std::fgets(line, sizeof line, file_) == nullptr) return std::nullopt;
      const std::string text = line;
      if (text.back() != '\n') return std::nullopt;
      at_ += text.size();
    } while (line[0] == '#');
    if (line[0] != kind) {
      damaged_ = true;
      return std::nullopt;
    }
    return std::strtoull(line + 1, nullptr, 10);
  }

  std::FILE* file_;
  const std::uint64_t size_;
  std::uint64_t at_ = 0;
  bool damaged_ = false;
};

// The last incremental file: "file NAME seq 3 type i".
fs::path last_file(const fs::path& folder) {
  std::error_code ignored;
  fs::path last;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() != ".manifest") continue;
    std::ifstream manifest(entry.path());
    for (std::string line; std::getline(manifest, line);) {
      std::istringstream words(line);
      std::string key, name, seq, number, type, kind;
      if (words >> key >> name >> seq >> number >> type >> kind && kind == "i") last = folder / name;
    }
  }
  return last;
}

}  // namespace

std::uint64_t cut_open_transaction(const fs::path& folder) {
  const auto path = last_file(folder);
  std::error_code error;
  const auto size = path.empty() ? 0 : fs::file_size(path, error);
  if (size == 0 || error) return 0;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) return 0;
  Commands commands(file.get(), size);
  std::optional<std::uint64_t> opened;
  for (;;) {
    const auto before = commands.at();
    const auto word = commands.next();
    if (!word) break;
    if (::strcasecmp(word->c_str(), "MULTI") == 0) opened = before;
    if (::strcasecmp(word->c_str(), "EXEC") == 0) opened.reset();
  }
  if (!opened || commands.damaged()) return 0;
  fs::resize_file(path, *opened, error);
  return error ? 0 : size - *opened;
}

}  // namespace stint
