// SPDX-License-Identifier: Apache-2.0
// Fixtures for tests of what becomes of a command's output: scratches, logs and records in a temporary folder. No command is run.
#pragma once

#include "commands/report.hpp"

#include "commands/commands.hpp"
#include "commands/output_log.hpp"
#include "support/records.hpp"
#include "support/run_in_process.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace stint::commands {

inline void write(const Scratch& scratch, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(scratch.descriptor(), text.data(), text.size());
    if (written <= 0) throw std::runtime_error("cannot write to a scratch");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

inline std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("there is no " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Numbered lines, no two of them the same.
inline std::string lines_of(std::size_t bytes, const std::string& name) {
  std::string text;
  for (std::size_t i = 0; text.size() < bytes; ++i) text += name + ' ' + std::to_string(i) + '\n';
  text.resize(bytes);
  return text;
}

/// What std::cerr is told while this lives.
class Errors {
 public:
  Errors() : before_(std::cerr.rdbuf(text_.rdbuf())) {}
  ~Errors() { std::cerr.rdbuf(before_); }
  Errors(const Errors&) = delete;
  Errors& operator=(const Errors&) = delete;
  [[nodiscard]] std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

class CommandsOutputTest : public ::testing::Test {
 protected:
  /// The file "FOLDER/log" + `suffix`, or a part of it, as it is shown.
  std::string shown(const std::string& log, const Part& part, const std::string& tag = "") const {
    std::ostringstream text;
    EXPECT_EQ(show(folder.path() / log, part, tag, text), Shown::whole);
    return text.str();
  }
  std::string shown(const std::string& log, std::uint64_t at, std::uint64_t bytes, const std::string& tag = "") const {
    return shown(log, Part{at, bytes, 0}, tag);
  }
  std::string out_of(const Place& place) const { return shown(place.log + ".out", place.out()); }
  std::string err_of(const Place& place) const { return shown(place.log + ".err", place.err()); }
  /// Adds one command's output.
  static Place append(OutputLog& log, std::string_view out, std::string_view err) {
    Scratch out_file, err_file;
    out_file.fresh();
    err_file.fresh();
    write(out_file, out);
    write(err_file, err);
    return log.append(out_file, err_file);
  }
  support::TemporaryFolder folder;
};

class CommandsReportTest : public CommandsOutputTest {
 protected:
  CommandsReportTest() : store(folder.path() / "store"), log(store, "worker") {}
  Record record(std::uint64_t number, const std::string& stdout_text, const std::string& stderr_text = "") {
    Record made;
    made.number = number;
    made.start = 1700000000.25;
    made.seconds = 1.5;
    made.host = "node7";
    made.place = append(log, stdout_text, stderr_text);
    return made;
  }
  /// Four commands, each with an output and an error.
  std::vector<Record> four() {
    std::vector<Record> records;
    for (std::uint64_t number = 1; number <= 4; ++number) {
      const auto name = std::to_string(number);
      records.push_back(record(number, "out " + name + "\n", "err " + name + "\n"));
    }
    return records;
  }
  using Named = std::pair<std::string, std::vector<std::string>>;
  const CommandList& named(const std::vector<Named>& list) {
    auto& made = lists.emplace_back();
    for (const auto& [text, values] : list) made.add(text, values);
    return made;
  }
  const CommandList& names(std::size_t count) {
    std::vector<Named> list;
    for (std::size_t i = 1; i <= count; ++i) {
      const auto number = std::to_string(i);
      list.push_back({"work v" + number, {"v" + number}});
    }
    return named(list);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return folder.path() / name; }

  const std::filesystem::path store;
  std::deque<CommandList> lists;
  OutputLog log;
  ReportOptions options;
  Errors errors;
  support::MemoryOutput out;
};

}  // namespace stint::commands
