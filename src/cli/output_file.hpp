// SPDX-License-Identifier: Apache-2.0
// A file that the user named for output: all results and summaries are written by this class. A regular file
// becomes visible whole or not at all: a new file replaces it; if the bytes are the same it is left alone, since its time
// may be part of another run's identity. A link stays, and its target is written. Devices, pipes and descriptors
// (/dev/fd/N) are written through once all output is there.
#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace stint {

/// Collects the output of a stream and passes it on in large pieces. Exceptions of `write` come out of the stream if the
/// stream's exceptions() has badbit.
class PassingBuffer final : public std::streambuf {
 public:
  explicit PassingBuffer(std::function<void(std::string_view)> write);

 private:
  int sync() override;
  int_type overflow(int_type c) override;
  std::streamsize xsputn(const char* bytes, std::streamsize size) override;
  const std::function<void(std::string_view)> write_;
  char buffer_[65536];
};

/// The descriptor that a path stands for: 1 for /dev/stdout, 5 for /dev/fd/5; -1: the path is a file.
int descriptor_of(const std::filesystem::path& path);

/// Opens a pipe or device, with these flags beside O_WRONLY. Waits for the reader of a pipe, 10 s, and says so
/// (`named`: the path as the user gave it). Invalid: errno has the reason; ENXIO: the pipe has no reader.
UniqueFd open_to_write(const std::filesystem::path& path, const std::filesystem::path& named, int flags);

class OutputFile {
 public:
  /// `what`: for errors, "cannot write WHAT to PATH". Throws Error(usage) if the path cannot be written. Changes nothing
  /// there yet; but opens a pipe, and waits for its reader, 10 s.
  OutputFile(std::filesystem::path path, std::string what);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// The stream to write to. It throws Error(usage) if it cannot write.
  std::ostream& stream();
  /// Makes the output visible. Throws Error(usage), and ReaderGone if the path is this process's stdout.
  void publish();
  /// Drops the output.
  void clear();

 private:
  enum class Way { whole, in_place, through };
  [[noreturn]] void refuse(const std::string& why) const;
  void follow_links();
  void open_pipe_or_device();
  void try_folder();
  UniqueFd make_beside();
  void keep(std::string_view bytes);
  void write(int descriptor, std::string_view bytes) const;
  [[nodiscard]] bool same_bytes() const;

  const std::filesystem::path named_;
  const std::string what_;
  std::filesystem::path path_;       // the target of the links
  Way way_ = Way::whole;
  int standard_ = -1;                // STDOUT_FILENO or STDERR_FILENO, if the path is one of them
  UniqueFd descriptor_;              // of the new file, or of the pipe or device
  std::filesystem::path temporary_;  // the new file; empty: not created yet
  std::string memory_;               // the output until publish(), if there is no new file
  std::unique_ptr<PassingBuffer> buffer_;
  std::unique_ptr<std::ostream> stream_;
};

/// Writes `text` to `path` as an OutputFile; `what` as there. Throws Error(usage).
void write_output(const std::filesystem::path& path, const std::string& what, std::string_view text);

}  // namespace stint
