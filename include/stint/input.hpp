// SPDX-License-Identifier: Apache-2.0
// Ways to cut real input into chunks, and to read a chunk so that no record is cut or counted twice at a border.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stint {

/// One input file as it was when the run was planned.
struct InputFile {
  std::string path;           ///< absolute
  std::uint64_t size = 0;     ///< bytes
  std::int64_t modified = 0;  ///< nanoseconds since the epoch

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & path & size & modified;
  }
};

/// The input files of a job, as named on the command line; see Options::add_files. Directories are searched for
/// regular files; the list is sorted by the bytes of the path within each argument and never by locale. Links to
/// files are followed; in a directory that is searched, links to directories and dangling links are passed over, and
/// so is $STINT_HOME.
class Inputs {
 public:
  Inputs() = default;
  explicit Inputs(std::vector<std::string> files_and_directories, std::vector<std::string> lists = {})
      : paths(std::move(files_and_directories)), list_files(std::move(lists)) {}

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
    archive & files_ & chunk_bytes_;
    if constexpr (Archive::is_loading::value) add_up();
  }

 private:
  void add_up();  ///< makes `ends_`; throws std::invalid_argument when no plan looks like this

  std::vector<InputFile> files_;
  std::vector<std::uint64_t> ends_;  ///< bytes up to and including file i
  std::uint64_t chunk_bytes_ = 1;
};

/// Cuts the files into chunks of `chunk_bytes`; 0 chooses: total/256, but between 1 MiB and 64 MiB.
Pieces pieces(const Inputs& inputs, std::uint64_t chunk_bytes = 0);

/// The bytes that end a record.
class Separators {
 public:
  constexpr explicit Separators(std::string_view bytes) {
    for (char byte : bytes) is_[static_cast<unsigned char>(byte)] = true;
  }
  [[nodiscard]] constexpr bool contains(char byte) const { return is_[static_cast<unsigned char>(byte)]; }

 private:
  std::array<bool, 256> is_{};
};
inline constexpr Separators white_space{" \t\n\v\f\r"};  ///< ASCII; records are words
inline constexpr Separators newline{"\n"};               ///< records are lines, the empty ones too

/// Reads the records that begin in a span; put one into the job's scratch. A record is what lies between two
/// separators; the tail of one that began before the span is passed over, and the last one is read to its end, beyond
/// the span. So over all chunks of a plan every record comes once and whole. All other bytes are data, NUL too.
///
///     for (const stint::Span& span : spans) {
///       reader.open(span);
///       for (auto block = reader.next(); !block.empty(); block = reader.next()) { … }
///     }
class RecordReader {
 public:
  static constexpr std::size_t padding = 64;  ///< bytes behind a block that may be read, but mean nothing

  RecordReader() : RecordReader(white_space) {}
  explicit RecordReader(const Separators& separators, std::size_t block_bytes = std::size_t{256} << 10);
  RecordReader(RecordReader&&) noexcept;
  RecordReader& operator=(RecordReader&&) noexcept;
  ~RecordReader();

  /// Throws BadInput when the file is not there, cannot be read or was changed since the run was planned.
  void open(const Span& span);
  /// The next whole records with their separators; empty when none is left. It belongs to the caller, who may change
  /// it, until the next call. It is about `block_bytes` long, or as long as one record (up to 1 GiB, else BadInput).
  [[nodiscard]] std::span<char> next();
  /// Where the last block begins, in bytes from the beginning of the file; for BadInput.
  [[nodiscard]] std::uint64_t offset() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stint
