// SPDX-License-Identifier: Apache-2.0
// Ways to cut real input into chunks.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace stint {

/// One input file as it was when the run was planned.
struct InputFile {
  std::string path;  ///< absolute
  std::uint64_t size = 0;      ///< bytes
  std::int64_t modified = 0;   ///< nanoseconds since the epoch

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & path & size & modified;
  }
};

/// The input files of a job, as named on the command line; see Options::add_files. Directories are searched for
/// regular files; the list is sorted by the bytes of the path within each argument and never by locale.
class Inputs {
 public:
  std::vector<std::string> paths;       ///< files and directories as given
  std::vector<std::string> list_files;  ///< files that name more of them, one a line

  [[nodiscard]] bool empty() const { return paths.empty() && list_files.empty(); }
  /// Every file, looked up at the first call and kept. Throws BadInput for what is missing or cannot be read.
  [[nodiscard]] const std::vector<InputFile>& files() const;

 private:
  mutable std::vector<InputFile> files_;
  mutable bool known_ = false;
};

/// A stretch of one file.
struct Span {
  const InputFile* file = nullptr;
  std::uint64_t offset = 0;  ///< bytes
  std::uint64_t length = 0;  ///< bytes
};

/// A plan: the bytes of all files, one after another, in chunks of `chunk_bytes`; small files share a chunk, large
/// ones are cut. Memory grows with the number of files, not of chunks.
class Pieces {
 public:
  Pieces() = default;
  Pieces(std::vector<InputFile> files, std::uint64_t chunk_bytes);

  [[nodiscard]] std::uint64_t size() const;
  /// The spans of a chunk, in the order of the files. Empty files have none.
  [[nodiscard]] std::vector<Span> operator[](std::uint64_t chunk) const;
  [[nodiscard]] const std::vector<InputFile>& files() const { return files_; }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & files_ & ends_ & chunk_bytes_;
  }

 private:
  std::vector<InputFile> files_;
  std::vector<std::uint64_t> ends_;  ///< bytes up to and including file i
  std::uint64_t chunk_bytes_ = 1;
};

/// Cuts the files into chunks of `chunk_bytes`; 0 chooses: total/256, but between 1 MiB and 64 MiB.
Pieces pieces(const Inputs& inputs, std::uint64_t chunk_bytes = 0);

}  // namespace stint
