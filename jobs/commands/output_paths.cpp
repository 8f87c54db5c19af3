// SPDX-License-Identifier: Apache-2.0
#include "output_paths.hpp"

#include <stint/error.hpp>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>
#include <unistd.h>
#include <utility>

namespace stint::commands {
namespace {

namespace fs = std::filesystem;
constexpr auto silent_look = std::chrono::milliseconds(500);  // for a reader that starts beside us
constexpr auto reader_patience = std::chrono::seconds(10);
constexpr auto reader_look = std::chrono::milliseconds(20);

[[noreturn]] void refuse(const std::string& path, int error) {
  throw BadInput("cannot write " + path + ": " + std::strerror(error));
}

// The pipe is left open: closing it would end the reader's input. The reader may just be starting.
void try_pipe(const std::string& path) {
  const auto begun = std::chrono::steady_clock::now();
  bool said = false;
  while (::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC) < 0) {
    if (errno != ENXIO) refuse(path, errno);
    const auto waited = std::chrono::steady_clock::now() - begun;
    if (waited > silent_look && !std::exchange(said, true)) {
      std::cerr << "stint: waiting up to 10 s for a reader of the pipe " + path + '\n';
    }
    if (waited > reader_patience) {
      throw BadInput("cannot write " + path + ": nobody reads this pipe; start its reader first");
    }
    std::this_thread::sleep_for(reader_look);
  }
}

void try_file(const std::string& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (fs::is_fifo(status)) return try_pipe(path);
  if (fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status)) {
    if (::access(path.c_str(), W_OK) != 0) refuse(path, errno);
    return;
  }
  if (!std::ofstream(path, std::ios::app)) refuse(path, errno);
}

// Makes the folder of --results; throws BadInput unless folders can be made in it.
void try_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw BadInput("cannot make " + path + ": " + error.message());
  if (::access(path.c_str(), W_OK | X_OK) != 0) refuse(path, errno);
}

}  // namespace

void try_output_paths(const ReportOptions& options) {
  for (const auto& path : {options.joblog, options.failed}) {
    if (!path.empty()) try_file(path);
  }
  if (!options.results.empty()) try_folder(options.results);
}

}  // namespace stint::commands
