// SPDX-License-Identifier: Apache-2.0
#include "cli/aof_repair.hpp"

#include "base/error.hpp"
#include "base/write_whole.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <sstream>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_set>
#include <vector>

namespace stint {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t longest_value = std::uint64_t{512} << 20;  // proto-max-bulk-len
constexpr std::uint64_t most_words = std::uint64_t{1} << 20;
constexpr std::string_view line_end = "\r\n";
constexpr std::string_view copy_suffix = ".cut";

// Reads commands one after another.
class Commands {
 public:
  enum class Step { command, end, incomplete, damaged };

  explicit Commands(std::string_view text) : text_(text) {}

  Step next() {
    begin_ = at_;
    only_ = {};
    if (at_ == text_.size()) return Step::end;
    std::uint64_t words = 0;
    if (const auto step = header('*', most_words, words); step != Step::command) return step;
    for (std::uint64_t i = 0; i < words; ++i) {
      std::uint64_t length = 0;
      if (const auto step = header('$', longest_value, length); step != Step::command) return step;
      const auto value = text_.substr(at_, length);
      if (value.size() < length) return Step::incomplete;
      at_ += length;
      if (const auto step = line_break(); step != Step::command) return step;
      if (words == 1) only_ = value;
    }
    return Step::command;
  }

  /// The offset of the next command; after a failed step, of the fault.
  [[nodiscard]] std::uint64_t at() const { return at_; }
  /// The offset of the command of the last step.
  [[nodiscard]] std::uint64_t begin() const { return begin_; }
  /// The word of the last command, if it has only one; else empty.
  [[nodiscard]] std::string_view only_word() const { return only_; }

 private:
  Step line_break() {
    const auto there = text_.substr(at_, line_end.size());
    if (!line_end.starts_with(there)) return Step::damaged;
    if (there.size() < line_end.size()) return Step::incomplete;
    at_ += line_end.size();
    return Step::command;
  }

  // "*3\r\n" → 3. Redis writes annotations ("#TS:1700000000\r\n") only before commands.
  Step header(char kind, std::uint64_t most, std::uint64_t& number) {
    while (kind == '*' && text_.substr(at_).starts_with('#')) {
      const auto end = text_.find(line_end, at_);
      if (end == text_.npos) return Step::incomplete;
      at_ = end + line_end.size();
      begin_ = at_;
      if (at_ == text_.size()) return Step::end;
    }
    auto rest = text_.substr(at_, 24);
    if (rest.empty()) return Step::incomplete;
    if (rest.front() != kind) return Step::damaged;
    rest.remove_prefix(1);
    if (rest.empty()) return Step::incomplete;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc{} || number > most || (kind == '*' && number == 0)) return Step::damaged;
    const auto begin = at_;
    at_ += 1 + static_cast<std::uint64_t>(end - rest.data());
    const auto step = line_break();
    if (step != Step::command) at_ = begin;
    return step;
  }

  std::string_view text_;
  std::uint64_t at_ = 0;
  std::uint64_t begin_ = 0;
  std::string_view only_;
};

bool is_word(std::string_view text, std::string_view word) {
  return std::ranges::equal(text, word, [](char a, char b) { return (a & ~0x20) == b; });
}

// If a flipped bit made a length too long, the value swallows the commands after it. Then commands are found inside the value.
bool holds_commands(std::string_view tail) {
  std::unordered_set<std::uint64_t> vain;  // offsets from which the commands lead to damage: no command is read twice
  for (auto at = tail.find("\r\n*"); at != tail.npos; at = tail.find("\r\n*", at + 1)) {
    const auto begin = at + line_end.size();
    Commands commands(tail.substr(begin));
    std::vector<std::uint64_t> seen{begin};
    auto step = Commands::Step::command;
    while (step == Commands::Step::command && !vain.contains(seen.back())) {
      step = commands.next();
      if (step == Commands::Step::command) seen.push_back(begin + commands.at());
    }
    const bool damaged = step == Commands::Step::damaged || step == Commands::Step::command;
    if (!damaged && seen.size() > 2) return true;
    if (damaged) vain.insert(seen.begin(), seen.end());
  }
  return false;
}

// The content after a crash of the machine, if the file system had stored the new length of a file, but not yet the bytes.
bool only_zeros(std::string_view tail) { return tail.find_first_not_of('\0') == tail.npos; }

struct Manifest {
  fs::path file;             // empty: there is none
  fs::path base;             // written by a rewrite; empty: there is none
  fs::path last;             // the one that Redis appends to
  std::uint64_t newest = 0;  // its number
};

// A line is "file NAME seq 3 type i".
Manifest manifest_in(const fs::path& folder) {
  Manifest manifest;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() != ".manifest" || entry.path().filename().string().starts_with("temp")) continue;
    manifest.file = entry.path();
    std::ifstream text(entry.path());
    for (std::string line; std::getline(text, line);) {
      std::istringstream words(line);
      std::string key, name, seq, type, kind;
      std::uint64_t number = 0;
      if (!(words >> key >> name >> seq >> number >> type >> kind)) continue;
      if (kind == "b") manifest.base = folder / name;
      if (kind != "i") continue;
      manifest.last = folder / name;
      manifest.newest = std::max(manifest.newest, number);
    }
  }
  return manifest;
}

// "appendonly.aof.3.incr.aof" → 3; none: a file of another kind.
std::optional<std::uint64_t> number_of_incremental(const std::string& name) {
  constexpr std::string_view end = ".incr.aof";
  if (!name.ends_with(end)) return std::nullopt;
  const auto stem = name.substr(0, name.size() - end.size());
  const auto digits = stem.substr(stem.rfind('.') + 1);
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || rest != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// A server that was killed during a rewrite leaves files that the manifest does not name: an empty one to append to, and
// a base. Files with lower numbers are those that it was about to remove.
void check_manifest(const fs::path& folder, const Manifest& manifest) {
  const auto away = "; put back a copy of it, or move " + folder.parent_path().parent_path().string() +
                    " away, which begins anew without the runs in it";
  std::error_code error;
  // Redis reads an empty file as one without keys; but it never writes such a base.
  if (!manifest.base.empty() && fs::file_size(manifest.base, error) == 0 && !error) {
    throw Error(Exit::damaged, "the blackboard's data are damaged: " + manifest.base.string() + " is empty" + away);
  }
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with("temp") || entry.file_size(error) == 0) continue;
    if (manifest.file.empty() && (name.ends_with(".aof") || name.ends_with(".rdb"))) {
      throw Error(Exit::damaged, "the blackboard's data in " + folder.string() +
                                     " have lost their manifest (appendonly.aof.manifest), without which " + name +
                                     " is not read" + away);
    }
    const auto number = number_of_incremental(name);
    if (number && !manifest.file.empty() && (manifest.last.empty() || *number > manifest.newest)) {
      throw Error(Exit::damaged, "the blackboard's data are damaged: " + manifest.file.string() + " does not name " + name +
                                     ", which is newer than all that it names" + away);
    }
  }
}

std::string failed(const fs::path& file) { return file.string() + ": " + std::strerror(errno); }

// A file in memory, during the lifetime of this object; no process writes to it meanwhile.
class MappedFile {
 public:
  explicit MappedFile(const fs::path& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat info {};
    if (descriptor_ < 0 || ::fstat(descriptor_, &info) != 0) {
      throw Error(Exit::damaged, "cannot read the blackboard's data: " + failed(path));
    }
    size_ = static_cast<std::size_t>(info.st_size);
    if (size_ == 0) return;
    address_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor_, 0);
    if (address_ == MAP_FAILED) throw Error(Exit::board, "cannot read the blackboard's data: " + failed(path));
  }
  ~MappedFile() {
    if (address_ != MAP_FAILED) ::munmap(address_, size_);
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  [[nodiscard]] std::string_view text() const {
    return size_ == 0 ? std::string_view{} : std::string_view(static_cast<const char*>(address_), size_);
  }

 private:
  int descriptor_;
  std::size_t size_ = 0;
  void* address_ = MAP_FAILED;
};

// Only the end of the last cut is kept.
void keep_copy(const fs::path& file, std::string_view text) {
  std::error_code ignored;
  std::vector<fs::path> older;
  for (const auto& entry : fs::directory_iterator(file.parent_path(), ignored)) {
    if (entry.path().string().ends_with(copy_suffix)) older.push_back(entry.path());
  }
  for (const auto& path : older) fs::remove(path, ignored);
  const fs::path copy = file.string() + std::string(copy_suffix);
  const int descriptor = ::open(copy.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const int error = descriptor < 0 ? errno : write_whole(descriptor, text);
  if (descriptor >= 0) ::close(descriptor);
  if (error != 0) {
    errno = error;
    const auto why = failed(copy);
    throw Error(Exit::board, "cannot keep the end of the blackboard's data that is to be cut off: " + why +
                                 "; make room, or set STINT_HOME to another folder");
  }
}

}  // namespace

AofText check_aof_text(std::string_view text) {
  Commands commands(text);
  std::optional<std::uint64_t> opened;
  auto step = commands.next();
  for (; step == Commands::Step::command; step = commands.next()) {
    if (is_word(commands.only_word(), "MULTI")) {
      if (opened) return {AofText::Kind::damaged, commands.begin()};
      opened = commands.begin();
    } else if (is_word(commands.only_word(), "EXEC")) {
      opened.reset();
    }
  }
  if (step == Commands::Step::end && !opened) return {};
  const bool torn = step == Commands::Step::damaged ? only_zeros(text.substr(commands.at()))
                                                    : !holds_commands(text.substr(commands.at()));
  if (!torn) return {AofText::Kind::damaged, commands.at()};
  return {AofText::Kind::torn, opened.value_or(commands.begin())};
}

fs::path newest_append_only_file(const fs::path& folder) { return manifest_in(folder).last; }

std::string repair_aof(const fs::path& folder) {
  if (!fs::exists(folder)) return "";
  const auto manifest = manifest_in(folder);
  check_manifest(folder, manifest);
  if (manifest.last.empty() || !fs::exists(manifest.last)) return "";  // Redis reports a missing file
  std::uint64_t cut = 0;
  AofText found;
  {
    const MappedFile file(manifest.last);
    found = check_aof_text(file.text());
    cut = file.text().size() - found.at;
    if (found.kind == AofText::Kind::whole) return "";
    if (found.kind == AofText::Kind::damaged) {
      throw Error(Exit::damaged, "the blackboard's data are damaged at byte " + std::to_string(found.at) + " of " +
                                     manifest.last.string() + ", and " + std::to_string(cut) +
                                     " bytes from there on cannot be read; nothing was changed. Put back a copy, or keep one and let "
                                     "redis-check-aof --fix " +
                                     manifest.file.string() + " cut them off; runs whose last commits are lost compute them again");
    }
    keep_copy(manifest.last, file.text().substr(found.at));
  }
  if (::truncate(manifest.last.c_str(), static_cast<off_t>(found.at)) != 0) {
    throw Error(Exit::board, "cannot cut off an incomplete end of the blackboard's data: " + failed(manifest.last));
  }
  return "the blackboard's data ended in the middle of a command, as after a crash of the server or the machine: " +
         std::to_string(cut) + " bytes were cut off, and are kept in " + manifest.last.string() + std::string(copy_suffix) +
         "; what they held is computed again";
}

}  // namespace stint
