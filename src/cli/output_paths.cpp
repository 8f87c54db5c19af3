// SPDX-License-Identifier: Apache-2.0
#include "cli/output_paths.hpp"

#include <stint/error.hpp>
#include <stint/input.hpp>
#include <stint/text.hpp>

#include "base/error.hpp"
#include "cli/output_file.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace stint {
namespace {

namespace fs = std::filesystem;

// Whether both are the same regular file, or the same place for a file that does not exist yet.
bool same_file(const std::string& left, const std::string& right) {
  std::error_code error;
  if (fs::is_regular_file(left, error)) return fs::equivalent(left, right, error) && !error;
  if (fs::exists(left, error) || fs::exists(right, error)) return false;
  return fs::weakly_canonical(fs::absolute(left), error) == fs::weakly_canonical(fs::absolute(right), error);
}

// The paths that the job may read: its input files, texts, standard input, and words that are files.
std::vector<std::string> read_by(const Options& job) {
  std::vector<std::string> paths;
  for (const auto& entry : job.entries()) {
    if (entry.inputs != nullptr && !entry.inputs->empty()) {
      try {
        for (const auto& file : entry.inputs->files()) paths.push_back(file.path);
      } catch (const BadInput&) {  // reported when the run is planned, perhaps on another host that has the file
      }
    } else if (entry.positional && entry.get) {
      const auto words = entry.get();
      paths.insert(paths.end(), words.begin(), words.end());
    }
  }
  for (const auto& text : job.texts_read()) paths.push_back(is_standard_input(text) ? "/dev/stdin" : text);
  return paths;
}

bool is_regular(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

void refuse_input(const Options::Written& output, const std::vector<std::string>& read) {
  for (const auto& path : read) {
    if (!is_regular(path) || !same_file(path, output.path)) continue;
    throw Error(Exit::usage, output.option + " " + output.path + " would be written over what this run reads" +
                                 (path == "/dev/stdin" ? " from standard input" : "") + "; give another file");
  }
}

void refuse_twice(const Options::Written& output, const Options::Written& other) {
  if (!same_file(other.path, output.path)) return;
  throw Error(Exit::usage, other.option + " and " + output.option + " are the same file, " + output.path + "; give two");
}

// Opened by name, the file gets a second write position: output to the descriptor would overwrite it.
void refuse_open_file(const Options::Written& output) {
  if (descriptor_of(output.path) < 0 || !is_regular(output.path)) return;
  throw Error(Exit::usage, output.option + " " + output.path + " is a regular file that is open already, and two would write at " +
                               "one place; give its name, or a pipe");
}

}  // namespace

void refuse_shared_paths(const RunOptions& run, const Options& job) {
  std::vector<Options::Written> outputs{{"--output", run.output}, {"--summary", run.summary}, {"--log", run.log}};
  const auto own = outputs.size();
  for (const auto& written : job.files_written()) outputs.push_back(written);
  const auto is_set = [](const auto& output) { return !output.path.empty(); };
  if (std::ranges::none_of(outputs, is_set)) return;
  const bool any_there = std::ranges::any_of(outputs, [&](const auto& output) { return is_set(output) && is_regular(output.path); });
  const auto read = any_there ? read_by(job) : std::vector<std::string>{};
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!is_set(outputs[i])) continue;
    for (std::size_t j = 0; j < i; ++j) {
      if (is_set(outputs[j])) refuse_twice(outputs[i], outputs[j]);
    }
    refuse_input(outputs[i], read);
    if (i >= own && run.ranks < 2) refuse_open_file(outputs[i]);  // with -n the descriptor of a rank is a pipe
  }
}

}  // namespace stint
