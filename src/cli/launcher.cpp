// SPDX-License-Identifier: Apache-2.0
#include "cli/launcher.hpp"

#include "base/error.hpp"
#include "base/pause.hpp"
#include "cli/relay.hpp"
#include "engine/whereabouts.hpp"
#include "mpi/world.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <spawn.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

extern char** environ;

namespace stint {
namespace {

std::atomic<pid_t> mpirun_pid{0};
std::atomic<int> interrupts{0};
std::atomic<bool> told{false};  // to stop

constexpr int childless_seconds = 20;
constexpr const char* begun_suffix = ".begun";
constexpr const char* printed_suffix = ".printed.";
constexpr const char* elsewhere_suffix = ".elsewhere";
constexpr std::string_view result_word = "result";  // behind the exit code in the exit file

// What begins a line for the launcher: the name of its folder, which no job prints.
std::string launcher_mark(const std::filesystem::path& exit_file) {
  return "[" + exit_file.parent_path().filename().string() + "] ";
}

void tell_by_line(const std::string& line) {
  std::fprintf(stderr, "%s%s\n", launcher_mark(std::getenv("STINT_EXIT_FILE")).c_str(), line.c_str());
}

// mpirun would answer TERM and INT by ending all ranks; USR1 it passes on, and they drain. The second INT is meant.
void pass_on(int signal) {
  told = true;
  const pid_t pid = mpirun_pid;
  if (pid <= 0) return;
  ::kill(pid, signal == SIGINT && ++interrupts > 1 ? SIGTERM : SIGUSR1);
}

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  char quote = '\0';
  bool any = false;
  for (char c : text) {
    if (quote != '\0') {
      if (c == quote) {
        quote = '\0';
      } else {
        word.push_back(c);
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      any = true;
    } else if (c == ' ' || c == '\t') {
      if (any || !word.empty()) words.push_back(word);
      word.clear();
      any = false;
    } else {
      word.push_back(c);
    }
  }
  if (any || !word.empty()) words.push_back(word);
  return words;
}

// The arguments of this program without those for the launcher.
std::vector<std::string> arguments_for_ranks(int argc, char** argv) {
  std::vector<std::string> words;
  bool options_end = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--") options_end = true;
    if (!options_end) {
      if (word == "-n" || word == "--ranks" || word == "--hostfile" || word == "--mpirun") {
        ++i;
        continue;
      }
      if (word.starts_with("--ranks=") || word.starts_with("--hostfile=") || word.starts_with("--mpirun=") || word.starts_with("-n=") ||
          (word.size() > 2 && word.starts_with("-n") && word.find_first_not_of("0123456789", 2) == word.npos)) {
        continue;
      }
    }
    words.push_back(word);
  }
  return words;
}

// Whether a process has a child that lives, as far as the system says.
bool has_child(pid_t pid) {
  std::ifstream children("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
  if (!children) return true;
  for (pid_t child = 0; children >> child;) {
    if (process_start(child) != 0) return true;
  }
  return false;
}

// An mpirun whose ranks died while they started may wait for ever for nobody; on one host, its children are all there
// is.
void end_if_childless(pid_t pid, const std::stop_token& stop) {
  for (int silent_seconds = 0; pause(stop, 1);) {
    silent_seconds = has_child(pid) ? 0 : silent_seconds + 1;
    if (silent_seconds >= childless_seconds) ::kill(pid, SIGKILL);
  }
}

// Starts mpirun and waits for it; returns its status as waitpid gives it.
int run_world(std::vector<std::string> words, bool one_host, const std::string& exit_file) {
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t defaults;
  sigfillset(&defaults);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // In a process group of its own it must not read from the terminal.
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  // From hosts that do not see this file.
  Relay relay(launcher_mark(exit_file), [&](const std::string& line) {
    if (line == "begun") std::ofstream(exit_file + begun_suffix) << '\n';
    if (line.starts_with("exit ")) std::ofstream(exit_file) << line.substr(5) << '\n';
  });
  posix_spawn_file_actions_adddup2(&actions, relay.entrance(), STDERR_FILENO);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, "mpirun", &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  relay.close_entrance();
  if (error != 0) {
    throw Error(Exit::usage, std::string("cannot start mpirun: ") + std::strerror(error) +
                                 "; install Open MPI (Debian: apt install openmpi-bin), or run without -n");
  }
  mpirun_pid = pid;
  std::jthread watch;
  if (one_host) watch = std::jthread([pid](const std::stop_token& stop) { end_if_childless(pid, stop); });
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  mpirun_pid = 0;
  return status;
}

// Ranks of ours that outlived an mpirun which was killed: what they print reaches nobody.
void end_orphans(const std::string& exit_file) {
  const std::string ours = "STINT_EXIT_FILE=" + exit_file;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0 || pid == ::getpid()) continue;
    std::ifstream file(entry.path() / "environ");
    bool of_us = false;
    bool rank = false;
    for (std::string variable; std::getline(file, variable, '\0');) {
      of_us = of_us || variable == ours;
      rank = rank || variable.starts_with("OMPI_COMM_WORLD_RANK=");
    }
    if (of_us && rank) ::kill(pid, SIGKILL);
  }
}

// Rank 0 runs where the launcher does not.
bool launcher_elsewhere() {
  return std::filesystem::exists(std::getenv("STINT_EXIT_FILE") + std::string(elsewhere_suffix));
}

// Ranks have no standard input; a job that is told to read it finds it in a file.
void keep_standard_input(const std::string& path) {
  std::ofstream(path, std::ios::binary) << std::cin.rdbuf();
  ::setenv("STINT_STDIN", path.c_str(), 1);
}

}  // namespace

std::vector<std::string> launch_words() {
  std::vector<std::string> words{"mpirun", "--enable-recovery", "--bind-to", "none", "--oversubscribe"};
  if (mpi::major_version() < 5) words.push_back("-q");  // Open MPI 5 has no banners, and does not know it
  return words;
}

int launch(const RunOptions& options, int argc, char** argv) {
  std::string folder = (std::filesystem::temp_directory_path() / "stint-run-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    throw Error(Exit::usage, "cannot make a folder in " + std::filesystem::temp_directory_path().string() + ": " +
                                 std::strerror(errno) + "; set TMPDIR");
  }
  const std::string exit_file = folder + "/exit";
  ::setenv("STINT_EXIT_FILE", exit_file.c_str(), 1);
  winsize size{};
  if (::isatty(STDERR_FILENO) != 0) {
    const int columns = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    ::setenv("STINT_TERMINAL", std::to_string(columns).c_str(), 1);
  }
  if (::geteuid() == 0) {
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
  }
  // The ranks look at their own environment; these are for the launcher alone.
  ::unsetenv("STINT_RANKS");
  ::unsetenv("STINT_HOSTFILE");
  ::unsetenv("STINT_MPIRUN");

  ::setenv("STINT_RESTART_NUMBER", "0", 1);
  auto words = launch_words();
  words.insert(words.end(), {"-n", std::to_string(options.ranks), "-x", "STINT_EXIT_FILE"});
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string name(*variable, std::strcspn(*variable, "="));
    const bool wanted = name.starts_with("STINT_") || name == "SLURM_JOB_END_TIME";
    if (wanted && name != "STINT_EXIT_FILE") words.insert(words.end(), {"-x", name});
  }
  if (!options.hostfile.empty()) words.insert(words.end(), {"--hostfile", options.hostfile});
  for (auto& word : split_words(options.mpirun)) words.push_back(std::move(word));
  words.push_back(std::filesystem::read_symlink("/proc/self/exe").string());
  for (auto& word : arguments_for_ranks(argc, argv)) words.push_back(std::move(word));

  const char* nodes = std::getenv("SLURM_JOB_NUM_NODES");
  const bool one_host = options.hostfile.empty() && options.mpirun.find("host") == options.mpirun.npos && (nodes == nullptr || std::atoi(nodes) < 2);
  if (std::find(argv + 1, argv + argc, std::string_view("-")) != argv + argc) keep_standard_input(folder + "/stdin");
  for (int signal : {SIGINT, SIGTERM, SIGUSR1}) std::signal(signal, pass_on);
  // A chunk may kill its rank some times before it has failed for good: ranks that are all lost are started again.
  for (int restarts = 0;; ++restarts) {
    int status = 0;
    try {
      status = run_world(words, one_host, exit_file);
    } catch (const Error&) {
      std::filesystem::remove_all(folder);
      throw;
    }
    if (WIFSIGNALED(status)) {
      end_orphans(exit_file);
      // Whoever could still print the result has told so; what ranks without an mpirun say of themselves is nothing.
      if (!result_told()) std::filesystem::remove(exit_file);
    }
    int code = -1;
    std::ifstream(exit_file) >> code;
    const bool begun = std::filesystem::exists(exit_file + begun_suffix);
    if (code < 0 && !told && restarts < (begun ? options.restarts : std::min(options.restarts, 2)) &&
        (!WIFEXITED(status) || WEXITSTATUS(status) == 0 || begun)) {
      std::fprintf(stderr, "stint: every rank was lost before the run ended; starting them again (%d of at most %d)\n",
                   restarts + 1, options.restarts);
      ::setenv("STINT_RESTART_NUMBER", std::to_string(restarts + 1).c_str(), 1);
      continue;
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    if (code >= 0) return code;
    if (!begun && WIFEXITED(status) && WEXITSTATUS(status) != 0) {
      std::fprintf(stderr, "stint: mpirun ended with exit code %d before the run did; what it says stands above\n",
                   WEXITSTATUS(status));
      return static_cast<int>(Exit::usage);
    }
    std::fprintf(stderr, "stint: every rank was lost before the run %s; the same command continues\n",
                 begun ? "ended" : "was planned");
    return static_cast<int>(Exit::interrupted);
  }
}

bool launched() {
  const char* file = std::getenv("STINT_EXIT_FILE");
  return file != nullptr && *file != '\0';
}

std::filesystem::path call_file() {
  return launched() ? std::getenv("STINT_EXIT_FILE") + std::string(".call") : "";
}

bool restarted() {
  const char* number = std::getenv("STINT_RESTART_NUMBER");
  return launched() && number != nullptr && std::atoi(number) > 0;
}

CallFolder::CallFolder() {
  if (!launched()) return;
  const auto folder = std::filesystem::path(std::getenv("STINT_EXIT_FILE")).parent_path();
  std::error_code ignored;
  std::filesystem::create_directories(folder.parent_path(), ignored);
  if (::mkdir(folder.c_str(), 0700) == 0) std::ofstream(std::getenv("STINT_EXIT_FILE") + std::string(elsewhere_suffix)) << '\n';
  if (launcher_elsewhere()) made_ = folder;  // by us, or by a rank 0 before us
}

CallFolder::~CallFolder() {
  std::error_code ignored;
  if (!made_.empty()) std::filesystem::remove_all(made_, ignored);
}

void tell_launcher_begun() {
  if (!launched()) return;
  std::ofstream(std::string(std::getenv("STINT_EXIT_FILE")) + begun_suffix) << '\n';
  if (launcher_elsewhere()) tell_by_line("begun");
}

bool first_to_print() {
  if (!launched()) return true;
  const std::string file = std::getenv("STINT_EXIT_FILE") + std::string(printed_suffix) + std::getenv("STINT_RESTART_NUMBER");
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor >= 0) ::close(descriptor);
  // On a host that does not see the launcher's folder the launcher hears of no result: it starts the ranks again, and
  // rank 0 prints it.
  return descriptor >= 0 || (errno != EEXIST && errno != ENOENT);
}

bool result_told() {
  const char* file = std::getenv("STINT_EXIT_FILE");
  std::string code, word;
  if (file != nullptr) std::ifstream(file) >> code >> word;
  return word == result_word;
}

bool tell_launcher(int exit_code, bool of_result) {
  if (!launched()) return false;
  if (result_told()) return true;
  const auto line = std::to_string(exit_code) + " " + std::string(of_result ? result_word : "");
  std::ofstream(std::getenv("STINT_EXIT_FILE")) << line << '\n';
  if (launcher_elsewhere()) tell_by_line("exit " + line);
  return true;
}

}  // namespace stint
