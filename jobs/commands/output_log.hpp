// SPDX-License-Identifier: Apache-2.0
// Where the output of commands is kept: for each rank one append-only file for stdout and one for stderr, in the run's
// store folder. A command writes to files of its own, without a name, which are appended when it has ended: so it may
// do with them what it likes, and one that lives on writes into nobody else's output. Nothing is held in memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace stint::commands {

/// Where the output of one command lies: `log` + ".out" and ".err" in the store folder.
struct Place {
  std::string log = {};
  std::uint64_t out_at = 0, out_bytes = 0;
  std::uint64_t err_at = 0, err_bytes = 0;
};

/// Output that is on its way to where the leader can read it; at most the beginning of each.
struct Carried {
  std::string out, err;
  [[nodiscard]] bool empty() const { return out.empty() && err.empty(); }
};

/// A file without a name for one command to write to. Renewed when somebody may still write to it.
class Scratch {
 public:
  Scratch() = default;
  ~Scratch();
  Scratch(Scratch&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// An empty one. Throws std::runtime_error.
  int fresh();
  [[nodiscard]] int descriptor() const { return file_; }
  [[nodiscard]] std::uint64_t bytes() const;
  /// The first `limit` bytes, or all.
  [[nodiscard]] std::string beginning(std::uint64_t limit) const;
  void drop();

 private:
  int file_ = -1;
};

class OutputLog {
 public:
  /// `worker`: its name becomes the file's. Throws std::runtime_error when the folder cannot be written.
  OutputLog(std::filesystem::path folder, const std::string& worker);
  ~OutputLog();
  OutputLog(const OutputLog&) = delete;
  OutputLog& operator=(const OutputLog&) = delete;

  /// Thread-safe. Throws std::runtime_error for a full disk.
  Place append(const Scratch& out, const Scratch& err);
  Place append(const Carried& carried);

 private:
  struct File {
    int descriptor = -1;
    std::uint64_t end = 0;
  };
  /// Up to `most` bytes; what lies behind the first so many of them, or less, empty at the end.
  struct Source {
    std::uint64_t most = 0;
    std::function<std::string_view(std::uint64_t at)> from;
  };
  std::uint64_t append(File& file, const Source& source, const char* suffix);
  Place append(const Source& out, const Source& err);

  const std::filesystem::path folder_;
  const std::string name_;
  std::mutex mutex_;
  File out_, err_;
};

/// Writes a text to `to`, each line behind `tag` if there is one.
void show(std::string_view text, const std::string& tag, std::ostream& to);
/// The same for a part of a log. Returns false where the file is not there.
bool show(const std::filesystem::path& file, std::uint64_t at, std::uint64_t bytes, const std::string& tag,
          std::ostream& to);

}  // namespace stint::commands
