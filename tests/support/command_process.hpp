// SPDX-License-Identifier: Apache-2.0
// A fixture for tests that really start commands. All carry a variable in their environment that no other process has: by it
// they are found, whoever their parent and group are by then, and what a failed test leaves is ended.
#pragma once

#include "commands/process.hpp"

#include "commands/output_log.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace stint::commands {

using Texts = std::vector<std::string>;

inline const Processes::Caller never{[] { return false; }, [] { return false; }, [](int) {}};

/// Since the epoch.
inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

template <class Condition>
inline bool eventually(const Condition& condition, std::chrono::seconds most = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

/// Processes that have NAME=VALUE in their environment. A zombie has none any more.
inline std::vector<pid_t> alive(const std::string& variable) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    std::ifstream file(entry.path() / "environ", std::ios::binary);
    const std::string text = '\0' + std::string(std::istreambuf_iterator<char>(file), {});
    if (text.find('\0' + variable + '\0') != text.npos) found.push_back(std::stoi(name));
  }
  return found;
}

inline Texts lines(const std::string& text) {
  Texts list;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) list.push_back(line);
  return list;
}

inline std::string content(const Scratch& scratch) {
  std::ostringstream text;
  EXPECT_EQ(show("/proc/self/fd/" + std::to_string(scratch.descriptor()), {0, scratch.bytes(), 0}, "", text), Shown::whole);
  return text.str();
}

class CommandsProcessTest : public ::testing::Test {
 protected:
  void SetUp() override { ::unsetenv("STINT_SHELL"); }
  void TearDown() override {
    for (pid_t pid : alive(mark)) ::kill(pid, SIGKILL);
  }
  Ended run(Processes& processes, const std::string& command, const Texts& more = {}) {
    const auto ended = processes.run(processes.words_of(command), more, out.fresh(), err.fresh(), never);
    if (!ended) throw std::runtime_error("did not begin: " + command);
    return *ended;
  }
  Ended run(const std::string& command, const Texts& more = {}) {
    Processes processes(environment, where, limits);
    return run(processes, command, more);
  }
  std::string output(const std::string& command, const Texts& more = {}) {
    const auto ended = run(command, more);
    EXPECT_EQ(ended.exit, 0) << command << ": " << ended.why << content(err);
    return content(out);
  }
  // A file that may be executed.
  std::string program(const std::string& name, const std::string& text) {
    const std::string file = folder.write(name, text);
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
  }

  const std::string worker = "unit/" + std::to_string(::getpid());
  const std::string mark = "STINT_UNIT_TEST=" + worker;
  const std::string path = std::string("PATH=") + std::getenv("PATH");
  Texts environment{path, mark};
  std::string where;
  Limits limits;
  support::TemporaryFolder folder;
  Scratch out, err;
};

}  // namespace stint::commands
