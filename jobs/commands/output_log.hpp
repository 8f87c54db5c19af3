// SPDX-License-Identifier: Apache-2.0
// The store of the commands' output: for each rank one append-only file for stdout and one for stderr, in the run's
// store folder. A command's output goes first into unnamed files (capture.hpp), which are appended
// when the command has ended: so outputs are never mixed. Nothing is held in memory. Each failed read or write is an error:
// an incomplete output must never look complete.
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

/// A part of a file, and the checksum of its bytes; 0: not known, as in records of Stint 0.1.
struct Part {
  std::uint64_t at = 0, bytes = 0, sum = 0;
};

/// The place of a command's output: `log` + ".out" and ".err" in the store folder.
struct Place {
  std::string log = {};
  std::uint64_t out_at = 0, out_bytes = 0;
  std::uint64_t err_at = 0, err_bytes = 0;
  std::uint64_t out_sum = 0, err_sum = 0;
  [[nodiscard]] Part out() const { return {out_at, out_bytes, out_sum}; }
  [[nodiscard]] Part err() const { return {err_at, err_bytes, err_sum}; }
};

/// Output on its way to a log that the leader can read; at most the beginning of each.
struct Carried {
  std::string out, err;
  [[nodiscard]] bool empty() const { return out.empty() && err.empty(); }
};

/// An unnamed file in $TMPDIR, for the output of one command after another. Errors are std::runtime_errors
/// that name the folder.
class Scratch {
 public:
  Scratch() = default;
  ~Scratch();
  Scratch(Scratch&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// Empties it; returns its descriptor.
  int fresh();
  [[nodiscard]] int descriptor() const { return file_; }
  [[nodiscard]] std::uint64_t bytes() const;
  /// The first `limit` bytes, or all.
  [[nodiscard]] std::string beginning(std::uint64_t limit) const;
  /// The last line that is not blank, at most `limit` bytes of it.
  [[nodiscard]] std::string last_line(std::uint64_t limit) const;
  /// The folder in which these files are made.
  static std::string folder();

 private:
  int file_ = -1;
};

class OutputLog {
 public:
  /// `worker`: for the name of the files. Throws std::runtime_error if the folder cannot be made.
  OutputLog(std::filesystem::path folder, const std::string& worker);
  ~OutputLog();
  OutputLog(const OutputLog&) = delete;
  OutputLog& operator=(const OutputLog&) = delete;

  /// Thread-safe. Throws std::runtime_error for a full disk; then nothing is appended.
  Place append(const Scratch& out, const Scratch& err);
  Place append(const Carried& carried);

 private:
  struct File {
    int descriptor = -1;
    std::uint64_t end = 0;
  };
  /// A number of bytes; `from(at)` returns those after the first `at`, or a part of them.
  struct Source {
    std::uint64_t bytes = 0;
    std::function<std::string_view(std::uint64_t at)> from;
  };
  /// Returns the checksum of the bytes appended.
  std::uint64_t append(File& file, const Source& source, const char* suffix);
  Place append(const Source& out, const Source& err);

  const std::filesystem::path folder_;
  const std::string name_;
  std::mutex mutex_;
  File out_, err_;
};

/// Writes a text to `to`, each line after `tag` if there is one.
void show(std::string_view text, const std::string& tag, std::ostream& to);

enum class Shown { whole, missing, damaged };
/// The same for a part of a log. Writes nothing if the bytes in the file are not the ones appended (checksum).
Shown show(const std::filesystem::path& file, const Part& part, const std::string& tag, std::ostream& to);

}  // namespace stint::commands
