// SPDX-License-Identifier: Apache-2.0
// Takes what a command writes: one pipe for each of its two outputs, emptied into two files of ours. The rank writes
// the files, not the command, since only the one who writes sees that a disk is full: many programs do not look, and
// afterwards another command may have made room again. Used by one thread.
#pragma once

#include <cstddef>
#include <memory>

namespace stint::commands {

class Capture {
 public:
  /// `out`, `err`: the files. Throws std::system_error when the process has no descriptor left for a pipe.
  Capture(int out, int err);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  /// For the command; ours are closed by `began`.
  [[nodiscard]] int out_end() const { return streams_[0].theirs; }
  [[nodiscard]] int err_end() const { return streams_[1].theirs; }
  void began();
  /// Copies until this child has ended, without reaping it. Processes that it leaves behind are not waited for.
  void follow(int pid);
  /// Copies what has been written until now. What a process that lives on writes later goes nowhere, and it is neither
  /// stopped nor ended by that.
  void finish();
  /// errno of the first write that failed; 0: all was kept. The command could not write on after it, as on a full disk.
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
