// SPDX-License-Identifier: Apache-2.0
// Captures what a command writes: one pipe for each of its two outputs, copied into two files of the rank. The rank writes
// the files, not the command, since only the writer sees that a disk is full: many programs do not check, and
// later another command may have made room again. Used by one thread.
#pragma once

#include <cstddef>
#include <memory>

namespace stint::commands {

class Capture {
 public:
  /// `out`, `err`: the files. Throws std::system_error if the process has no descriptor left for a pipe.
  Capture(int out, int err);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  /// The pipe ends for the command; `began` closes the copies of this process.
  [[nodiscard]] int out_end() const { return streams_[0].theirs; }
  [[nodiscard]] int err_end() const { return streams_[1].theirs; }
  void began();
  /// Copies until this child has ended, without reaping it. Does not wait for processes that it leaves behind.
  void follow(int pid);
  /// Copies what was written until now. What a remaining process writes later is discarded; the process is neither
  /// blocked nor ended.
  void finish();
  /// errno of the first write that failed; 0: all is in the files. After it the command could not write, as on a full disk.
  [[nodiscard]] int error() const { return error_; }

 private:
  struct Stream {
    int ours = -1;
    int theirs = -1;
    int file = -1;
  };
  std::size_t copy(Stream& stream, std::size_t most);
  bool follow_once(int pid, int process);

  Stream streams_[2];
  std::unique_ptr<char[]> buffer_;
  int error_ = 0;
};

}  // namespace stint::commands
