// SPDX-License-Identifier: Apache-2.0
// The entry of every program: makes the descriptors safe, runs the command line, and reports every error as one line and an exit
// code.
#include <stint/main.hpp>

#include <stint/error.hpp>

#include "base/error.hpp"
#include "base/program.hpp"
#include "base/standard_descriptors.hpp"
#include "blackboard/blackboard.hpp"
#include "cli/command_line.hpp"
#include "cli/embedded.hpp"
#include "cli/terminal.hpp"
#include "cli/usage_error.hpp"

#include <chrono>
#include <csignal>
#include <exception>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace stint {
namespace {

// Reports every error as one line and an exit code.
template <class Step>
int exit_code_of(Step step, const std::optional<LaunchedRank>& launched = std::nullopt) {
  try {
    return step();
  } catch (const Error& error) {
    return one_line(error.what(), error.exit());
  } catch (const BadInput& error) {
    return one_line(error.what(), Exit::usage);
  } catch (const DataLost& error) {
    return one_line(error.what(), Exit::damaged);
  } catch (const BoardLost& error) {
    return one_line(std::string(error.what()) + "; start the blackboard, or check --board", Exit::board);
  } catch (const std::exception& error) {
    if (const auto known = shortage(error)) {
      if (launched) launched->report_shortage();
      return one_line(known->what(), known->exit());
    }
    if (const auto* file = dynamic_cast<const std::filesystem::filesystem_error*>(&error)) {
      return one_line("cannot use " + file->path1().string() + ": " + file->code().message() + "; see who may use it", Exit::usage);
    }
    return one_line(std::string("defect: ") + error.what(), Exit::defect);
  }
}

}  // namespace

int run_main(int argc, char** argv, std::span<const JobEntry> jobs) {
  const double begun =
      std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  open_standard_descriptors();
  auto& terminal = Terminal::standard();
  std::signal(SIGPIPE, SIG_IGN);  // the reader of a pipe, or the blackboard, may go at any time
  std::signal(SIGXFSZ, SIG_IGN);  // beyond `ulimit -f` a write then fails, which is reported
  std::optional<LaunchedRank> launched;
  const TakenErrors errors;       // for what jobs write to std::cerr
  set_program(argv[0]);
  const int code = exit_code_of([&] {
    launched.emplace(argc, argv);
    auto words = launched->arguments();
    set_program(words.front());
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return CommandLine(static_cast<int>(words.size()), pointers.data(), jobs, begun, *launched)();
  }, launched);
  const int late = exit_code_of([&] {
    terminal.finish();
    return 0;
  });
  if (!launched || !launched->launched()) leave_embedded();  // after the ranks, the launcher does it
  if (terminal.reader_gone()) end_of_pipe();
  return code != 0 ? code : late;
}

}  // namespace stint
