// SPDX-License-Identifier: Apache-2.0
#include "cli/output_paths.hpp"

#include <stint/input.hpp>

#include "base/error.hpp"

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace stint {
namespace {

namespace fs = std::filesystem;

// The same regular file, or the same place for one that is not there yet.
bool same_file(const std::string& left, const std::string& right) {
  std::error_code error;
  if (fs::is_regular_file(left, error)) return fs::equivalent(left, right, error) && !error;
  if (fs::exists(left, error) || fs::exists(right, error)) return false;
  return fs::weakly_canonical(fs::absolute(left), error) == fs::weakly_canonical(fs::absolute(right), error);
}

// What the job may read: the files that it names, and words that are files.
std::vector<std::string> read_by(const Options& job) {
  std::vector<std::string> paths;
  for (const auto& entry : job.entries()) {
    if (entry.inputs != nullptr) {
      paths.insert(paths.end(), entry.inputs->paths.begin(), entry.inputs->paths.end());
      paths.insert(paths.end(), entry.inputs->list_files.begin(), entry.inputs->list_files.end());
    } else if (entry.positional && entry.get) {
      const auto words = entry.get();
      paths.insert(paths.end(), words.begin(), words.end());
    }
  }
  return paths;
}

}  // namespace

void refuse_shared_paths(const RunOptions& run, const Options& job) {
  std::vector<std::pair<std::string, std::string>> outputs;
  for (const auto& [option, path] : {std::pair{"--output", run.output}, {"--summary", run.summary}, {"--log", run.log}}) {
    if (!path.empty()) outputs.emplace_back(option, path);
  }
  if (outputs.empty()) return;
  const auto read = read_by(job);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto& [option, path] = outputs[i];
    for (std::size_t j = 0; j < i; ++j) {
      if (same_file(outputs[j].second, path)) {
        throw Error(Exit::usage, outputs[j].first + " and " + option + " are the same file, " + path + "; give two");
      }
    }
    for (const auto& word : read) {
      std::error_code error;
      if (fs::is_regular_file(word, error) && same_file(word, path)) {
        throw Error(Exit::usage, option + " " + path + " would be written over what this run reads; give another file");
      }
    }
  }
}

}  // namespace stint
