// SPDX-License-Identifier: Apache-2.0
// Where the output of commands is kept: for each rank one append-only file for stdout and one for stderr, in the run's
// store folder. A command writes to files of its own, without a name, which are appended when it has ended: so it may
// do with them what it likes, and one that lives on writes into nobody else's output. Nothing is held in memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <ostream>
#include <string>
#include <utility>

namespace stint::commands {

/// Where the output of one command lies: `log` + ".out" and ".err" in the store folder.
struct Place {
  std::string log = {};
  std::uint64_t out_at = 0, out_bytes = 0;
  std::uint64_t err_at = 0, err_bytes = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& log& out_at& out_bytes& err_at& err_bytes;
  }
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

 private:
  struct File {
    int descriptor = -1;
    std::uint64_t end = 0;
  };
  std::uint64_t append(File& file, const Scratch& scratch, const char* suffix);

  const std::filesystem::path folder_;
  const std::string name_;
  std::mutex mutex_;
  File out_, err_;
};

/// Copies a part of a log to `to`, each line behind `tag` if there is one. Returns false where the file is not there.
bool show(const std::filesystem::path& file, std::uint64_t at, std::uint64_t bytes, const std::string& tag,
          std::ostream& to);

}  // namespace stint::commands
