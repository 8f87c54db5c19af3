// SPDX-License-Identifier: Apache-2.0
#include "cli/result_output.hpp"

#include "base/error.hpp"
#include "base/program.hpp"
#include "cli/terminal.hpp"

#include <iostream>
#include <stdexcept>
#include <unistd.h>

namespace stint {
namespace {

// Adds to the errors of `step` that the result can be written later.
template <class Step>
void with_advice(Step step) {
  try {
    step();
  } catch (const ReaderGone&) {
    throw;
  } catch (const Error& error) {
    throw Error(error.exit(), error.what() + written_later());
  }
}

}  // namespace

std::string written_later() { return "; what is computed stays: the same command with --output FILE writes it there"; }

ResultOutput::ResultOutput(const std::filesystem::path& path, bool meets)
    : folder_(path.parent_path()), meets_(meets), straight_([this](std::string_view bytes) { to_stdout(bytes); }) {
  if (!path.empty() && descriptor_of(path) != STDOUT_FILENO) main_ = std::make_unique<OutputFile>(path, "the result");
}

void ResultOutput::to_stdout(std::string_view bytes) const {
  with_advice([&] { Terminal::standard().out(bytes); });
}

void ResultOutput::clear() {
  memory_.str("");
  if (main_) main_->clear();
  files_.clear();
}

void ResultOutput::go_live() {
  if (live_ || main_) return;
  live_ = std::make_unique<std::ostream>(&straight_);
  live_->exceptions(std::ios::badbit);  // passes on exceptions of to_stdout
}

void ResultOutput::flush() {
  if (live_ && live_->good()) live_->flush();  // else it has thrown why
}

std::ostream& ResultOutput::text() {
  if (live_) return *live_;
  return main_ ? main_->stream() : memory_;
}

// If written separately, text for stderr would overtake text for stdout in a buffer, or in the other pipe to the launcher.
std::ostream& ResultOutput::errors() { return live_ && meets_ ? *live_ : std::cerr; }

std::ostream& ResultOutput::file(const std::string& name) {
  if (name.empty() || name.find('/') != name.npos) throw std::invalid_argument("a file of the result has a name without '/'");
  const auto path = folder_ / name;
  auto& file = files_[path.string()];
  if (!file) file = std::make_unique<OutputFile>(path, "the result");
  return file->stream();
}

void ResultOutput::publish() {
  flush();
  if (main_) {
    with_advice([&] { main_->publish(); });
  } else {
    to_stdout(memory_.view());
    memory_.str("");
  }
  for (auto& [name, file] : files_) with_advice([&file = file] { file->publish(); });
  files_.clear();
}

}  // namespace stint
