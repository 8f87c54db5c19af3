// SPDX-License-Identifier: Apache-2.0
// A file that the user named for us to write: the one way in which results and summaries are written. A regular file
// becomes visible whole or not at all (a new one takes its place; if its bytes are the same it is left alone, for its time
// may be another run's identity). A link stays, and what it leads to is written. Devices, pipes and descriptors (/dev/fd/N)
// are written through when all is there.
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

/// Collects what a stream is given and passes it on in large pieces. What `write` throws comes out of the stream if the
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

/// The descriptor that a path means: 1 for /dev/stdout, 5 for /dev/fd/5; -1: it means a file.
int descriptor_of(const std::filesystem::path& path);

/// Opens what is written through, with these flags beside O_WRONLY. The reader of a pipe is waited for, 10 s, which is said
/// (`named`: the path as the user gave it). Invalid: errno says why, ENXIO that nobody reads.
UniqueFd open_to_write(const std::filesystem::path& path, const std::filesystem::path& named, int flags);

class OutputFile {
 public:
  /// `what`: of errors, "cannot write WHAT to PATH". Throws Error(usage) when the path cannot be written. Nothing is
  /// changed there yet; a pipe is opened, and its reader waited for, 10 s.
  OutputFile(std::filesystem::path path, std::string what);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Throws Error(usage) out of a stream that cannot write.
  std::ostream& stream();
  /// Makes visible what was written. Throws Error(usage), and ReaderGone where the path is our stdout.
  void publish();
  /// Forgets what was written.
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
  std::filesystem::path path_;       // where the links lead
  Way way_ = Way::whole;
  int standard_ = -1;                // it is our stdout or stderr
  UniqueFd descriptor_;              // of the new file, of the pipe or device
  std::filesystem::path temporary_;  // the new file; empty: not begun
  std::string memory_;               // what waits for publish() where there is no new file
  std::unique_ptr<PassingBuffer> buffer_;
  std::unique_ptr<std::ostream> stream_;
};

/// Writes `text` to `path` as an OutputFile; `what` as there. Throws Error(usage).
void write_output(const std::filesystem::path& path, const std::string& what, std::string_view text);

}  // namespace stint
