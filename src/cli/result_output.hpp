// SPDX-License-Identifier: Apache-2.0
// The Output that a job's finish writes to: text in memory or in a file beside `--output`, further files beside it. All
// of it becomes visible in publish(), each file whole; what is not published is removed again.
#pragma once

#include <stint/output.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <streambuf>
#include <string>

namespace stint {

class ResultOutput final : public Output {
 public:
  /// `path`: of `--output`; empty: text goes to stdout. Throws Error(usage) when the file cannot be written: before
  /// hours are burnt.
  explicit ResultOutput(std::filesystem::path path);
  ~ResultOutput() override;
  ResultOutput(const ResultOutput&) = delete;
  ResultOutput& operator=(const ResultOutput&) = delete;

  /// From now on what goes to stdout is seen at once, and not kept in memory: for a job that follows its results.
  void go_live();
  /// Lets what has been written so far be seen, after go_live. Throws Error(usage) for a closed stdout.
  void flush();

  std::ostream& text() override;
  std::ostream& file(const std::string& name) override;

  /// Makes the result visible. Throws Error(usage) for a full disk or a closed stdout.
  void publish();
  /// Forgets what was written: the result is rendered again.
  void clear();

 private:
  struct File {
    std::filesystem::path temporary;
    std::filesystem::path path;
    std::ofstream stream;
  };
  File& open(const std::filesystem::path& path);

  std::filesystem::path path_;
  std::ostringstream memory_;
  std::unique_ptr<std::streambuf> straight_;  // to stdout
  std::unique_ptr<std::ostream> live_;
  std::map<std::string, std::unique_ptr<File>> files_;  // by final path
};

}  // namespace stint
