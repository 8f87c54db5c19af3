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
/// regular files. The files of each argument are sorted by the bytes of their paths, never by locale. Links to files are
/// followed. In a directory that is searched, Stint skips links to directories, dangling links and $STINT_HOME.
class Inputs {
 public:
  Inputs() = default;
  explicit Inputs(std::vector<std::string> files_and_directories, std::vector<std::string> lists = {})
      : paths(std::move(files_and_directories)), list_files(std::move(lists)) {}

  std::vector<std::string> paths;       ///< files and directories as given
  std::vector<std::string> list_files;  ///< files that name more of them, one a line

  [[nodiscard]] bool empty() const { return paths.empty() && list_files.empty(); }
  /// Every file, looked up at the first call and kept. Throws BadInput for a file that is missing or cannot be read.
  [[nodiscard]] const std::vector<InputFile>& files() const;

 private:
  mutable std::vector<InputFile> files_;
  mutable bool known_ = false;
};

/// A contiguous part of one file.
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
  void add_up();  ///< computes `ends_`; throws std::invalid_argument if the fields cannot be those of a plan

  std::vector<InputFile> files_;
  std::vector<std::uint64_t> ends_;  ///< bytes up to and including file i
  std::uint64_t chunk_bytes_ = 1;
};

/// Cuts the files into chunks of `chunk_bytes`. 0: total/256 bytes, but at least 1 MiB and at most 64 MiB.
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
inline constexpr Separators newline{"\n"};               ///< records are lines, including empty ones

/// Reads the records that begin in a span; keep one reader in the job's scratch. A record is the bytes between two
/// separators. The reader skips the tail of a record that began before the span, and reads the last one to its end,
/// beyond the span: over all chunks of a plan, each record comes once and whole. All other bytes are data, NUL included.
///
///     for (const stint::Span& span : spans) {
///       reader.open(span);
///       for (auto block = reader.next(); !block.empty(); block = reader.next()) { … }
///     }
class RecordReader {
 public:
  static constexpr std::size_t padding = 64;  ///< readable bytes after a block; their values mean nothing

  RecordReader() : RecordReader(white_space) {}
  explicit RecordReader(const Separators& separators, std::size_t block_bytes = std::size_t{256} << 10);
  RecordReader(RecordReader&&) noexcept;
  RecordReader& operator=(RecordReader&&) noexcept;
  ~RecordReader();

  /// Throws BadInput if the file was changed since the run was planned; std::runtime_error, one failed attempt at the
  /// chunk, if this host cannot open or read it. So does next().
  void open(const Span& span);
  /// The next whole records with their separators; empty if none is left. The caller may change the bytes; they are valid
  /// until the next call. A block has about `block_bytes`, or one longer record (up to 1 GiB, else BadInput).
  [[nodiscard]] std::span<char> next();
  /// The offset of the last block in the file, in bytes; for BadInput.
  [[nodiscard]] std::uint64_t offset() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stint
