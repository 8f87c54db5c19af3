// SPDX-License-Identifier: Apache-2.0
// Where the output of commands is kept: for each rank one append-only file for stdout and one for stderr, in the run's
// store folder. What a command writes is taken into files of its own, without a name (capture.hpp), which are appended
// when it has ended: so outputs are never mixed. Nothing is held in memory. Each read and write that fails is an error:
// of an output that is not whole nobody may believe that it is.
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

/// A part of a file, and the checksum of its bytes; 0: it is not known, as in records of Stint 0.1.
struct Part {
  std::uint64_t at = 0, bytes = 0, sum = 0;
};

/// Where the output of one command lies: `log` + ".out" and ".err" in the store folder.
struct Place {
  std::string log = {};
  std::uint64_t out_at = 0, out_bytes = 0;
  std::uint64_t err_at = 0, err_bytes = 0;
  std::uint64_t out_sum = 0, err_sum = 0;
  [[nodiscard]] Part out() const { return {out_at, out_bytes, out_sum}; }
  [[nodiscard]] Part err() const { return {err_at, err_bytes, err_sum}; }
};

/// Output that is on its way to where the leader can read it; at most the beginning of each.
struct Carried {
  std::string out, err;
  [[nodiscard]] bool empty() const { return out.empty() && err.empty(); }
};

/// A file without a name in $TMPDIR, for the output of one command after another. What fails is a std::runtime_error
/// that names the folder.
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
  /// The last line that is not blank, at most so many bytes of it.
  [[nodiscard]] std::string last_line(std::uint64_t limit) const;
  /// The folder in which these files are made.
  static std::string folder();

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

  /// Thread-safe. Throws std::runtime_error for a full disk; nothing is appended then.
  Place append(const Scratch& out, const Scratch& err);
  Place append(const Carried& carried);

 private:
  struct File {
    int descriptor = -1;
    std::uint64_t end = 0;
  };
  /// So many bytes; what lies behind the first `at` of them, or a part of that.
  struct Source {
    std::uint64_t bytes = 0;
    std::function<std::string_view(std::uint64_t at)> from;
  };
  /// Returns the checksum of what was appended.
  std::uint64_t append(File& file, const Source& source, const char* suffix);
  Place append(const Source& out, const Source& err);

  const std::filesystem::path folder_;
  const std::string name_;
  std::mutex mutex_;
  File out_, err_;
};

/// Writes a text to `to`, each line behind `tag` if there is one.
void show(std::string_view text, const std::string& tag, std::ostream& to);

enum class Shown { whole, missing, damaged };
/// The same for a part of a log. Nothing is written when the file has other bytes there than it was given.
Shown show(const std::filesystem::path& file, const Part& part, const std::string& tag, std::ostream& to);

}  // namespace stint::commands
