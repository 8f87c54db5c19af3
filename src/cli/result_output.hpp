// SPDX-License-Identifier: Apache-2.0
// The Output for a job's finish: text in memory or in a file beside `--output`, further files beside it. All
// of it becomes visible in publish(), each file whole; files that are not published are removed.
#pragma once

#include <stint/output.hpp>

#include "cli/output_file.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <sstream>
#include <string>

namespace stint {

/// Advice for an error if the result cannot be written, whether the run has ended or not: "; what is computed stays …".
std::string written_later();

class ResultOutput final : public Output {
 public:
  /// `path`: of `--output`; empty: text goes to stdout. Throws Error(usage) if the file cannot be written: before
  /// hours of computing are spent. `meets`: stdout and stderr lead to one place.
  ResultOutput(const std::filesystem::path& path, bool meets);
  ResultOutput(const ResultOutput&) = delete;
  ResultOutput& operator=(const ResultOutput&) = delete;

  /// From now on text for stdout is visible at once, and not kept in memory: for a job that follows its results.
  void go_live();
  /// Makes the text so far visible, after go_live. Throws as Terminal::out.
  void flush();

  std::ostream& text() override;
  std::ostream& errors() override;
  std::ostream& file(const std::string& name) override;

  /// Makes the result visible. Throws Error(usage) for a full disk or a closed stdout, and ReaderGone.
  void publish();
  /// Drops all output: the result is rendered again.
  void clear();

 private:
  void to_stdout(std::string_view bytes) const;

  const std::filesystem::path folder_;  // for further files
  const bool meets_;
  std::ostringstream memory_;
  PassingBuffer straight_;             // to stdout
  std::unique_ptr<std::ostream> live_;
  std::unique_ptr<OutputFile> main_;   // null: stdout
  std::map<std::string, std::unique_ptr<OutputFile>> files_;  // by path
};

}  // namespace stint
