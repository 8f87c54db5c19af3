// SPDX-License-Identifier: Apache-2.0
#include "cli/launched_rank.hpp"

#include "base/clock.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"
#include "engine/whereabouts.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace stint {
namespace {

namespace fs = std::filesystem;

// mpirun starts the ranks of a host one after another, within milliseconds; a rank that has not started by then was lost.
constexpr double begin_seconds = 30;

// A folder of another user may hold anything.
bool is_my_private_folder(const fs::path& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() && (info.st_mode & 077) == 0;
}

void touch(const fs::path& file) { UniqueFd made(::open(file.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)); }

// If the parent has changed, mpirun died before the kernel was asked to end this process with it.
void end_with_parent() {
  const pid_t parent = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent || parent == 1) ::_exit(static_cast<int>(Exit::interrupted));
}

}  // namespace

std::string host_and_boot() {
  const auto here = Whereabouts::here();
  return here.host + " " + here.boot;
}

std::string encode_arguments(const std::vector<std::string>& words) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const auto& word : words) {
    for (const unsigned char c : word) {
      if (std::isalnum(c) != 0 || std::strchr("-_./=", c) != nullptr) {
        text += static_cast<char>(c);
      } else {
        text += {'%', digits[c / 16], digits[c % 16]};
      }
    }
    text += ',';
  }
  return text;
}

std::vector<std::string> decode_arguments(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == ',') {
      words.push_back(std::exchange(word, ""));
    } else if (text[at] == '%' && at + 2 < text.size()) {
      unsigned byte = 0;
      std::from_chars(text.data() + at + 1, text.data() + at + 3, byte, 16);
      word += static_cast<char>(byte);
      at += 2;
    } else {
      word += text[at];
    }
  }
  return words;
}

LaunchedRank::LaunchedRank(int argc, char** argv) : arguments_(argv, argv + argc) {
  if (argc != 2 || argv[1] != argument || environment(folder_variable).empty()) return;
  end_with_parent();
  // Standard input of the user is in the folder of the call; mpirun passes an empty pipe.
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ::dup2(null.get(), STDIN_FILENO);
  folder_.emplace(environment(folder_variable));
  near_ = environment(host_variable) == host_and_boot() && is_my_private_folder(folder_->path());
  outputs_meet_ = !environment(outputs_meet_variable).empty();
  start_ = std::atoi(environment(start_variable).c_str());
  if (near_) {
    arguments_ = read_words(folder_->arguments());
  } else if (auto encoded = environment(arguments_variable); !encoded.empty()) {
    arguments_ = decode_arguments(encoded);
  } else {
    throw Error(Exit::usage, "the arguments of this call are too long for ranks on other hosts; put the values into a file that "
                             "all hosts see, as in 'commands COMMAND {} :::: FILE'");
  }
  for (const char* name : {folder_variable, host_variable, start_variable, arguments_variable, outputs_meet_variable}) ::unsetenv(name);
}

LaunchedRank::~LaunchedRank() {
  std::error_code ignored;
  if (made_) fs::remove_all(folder_->path(), ignored);
}

void LaunchedRank::make_folder() {
  if (!launched() || near_) return;
  std::error_code ignored;
  fs::create_directories(folder_->path().parent_path(), ignored);
  made_ = ::mkdir(folder_->path().c_str(), 0700) == 0 || is_my_private_folder(folder_->path());
}

void LaunchedRank::send(const std::string& message) const {
  std::fprintf(stderr, "%s%s\n", folder_->mark().c_str(), message.c_str());
}

void LaunchedRank::report_begun() const {
  if (!launched()) return;
  touch(folder_->begun());
  if (!near_) send("begun");
}

bool LaunchedRank::claim_printing() const { return !launched() || claim(folder_->printing(start_)); }

bool LaunchedRank::claim_error() const { return !launched() || claim(folder_->error(start_)); }

void LaunchedRank::report_shortage() const {
  if (launched()) touch(folder_->shortage());
}

bool LaunchedRank::result_reported() const {
  if (!launched()) return false;
  const auto report = folder_->exit_report();
  return report && report->result_bytes;
}

bool LaunchedRank::report_exit(const ExitReport& report) const {
  if (!launched()) return false;
  if (result_reported()) return true;
  const bool noted = leave_note(folder_->exit(), report.encode() + "\n");
  if (!near_ || !noted) send("exit " + report.encode());
  return true;
}

void LaunchedRank::report_printed(std::uint64_t bytes) const {
  if (launched() && bytes > 0) send("printed " + std::to_string(bytes));
}

void LaunchedRank::show_bar(const std::string& fields) const {
  if (launched()) send("bar " + fields);
}

LocalTicket LocalTicket::of_rank_0(const CallFolder& folder) {
  LocalTicket ticket(folder);
  // Locked before it gets its name: so no rank sees it without its owner.
  std::string name = folder.lead_lock().string() + ".XXXXXX";
  ticket.lock_.reset(::mkostemp(name.data(), O_CLOEXEC));
  if (!ticket.lock_ || ::flock(ticket.lock_.get(), LOCK_EX) != 0 || ::rename(name.c_str(), folder.lead_lock().c_str()) != 0) {
    throw Error(Exit::usage, "cannot write " + folder.lead_lock().string() + ": " + std::strerror(errno) + "; set TMPDIR");
  }
  return ticket;
}

void LocalTicket::leave(const std::string& text) const {
  if (!leave_note(folder_.ticket(), text + "\n")) {
    throw Error(Exit::usage, "cannot write " + folder_.ticket().string() + ": " + std::strerror(errno) + "; make room, or set TMPDIR");
  }
}

bool LocalTicket::rank_0_began() const { return fs::exists(folder_.lead_lock()); }

bool LocalTicket::rank_0_lost() const {
  const UniqueFd file(::open(folder_.lead_lock().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  return file && ::flock(file.get(), LOCK_SH | LOCK_NB) == 0;
}

std::string LocalTicket::await() const {
  const SteadyClock clock;
  const double begun = clock.now();
  for (double pause = 0.001;; pause = std::min(0.02, pause * 1.3)) {
    const bool lost = rank_0_lost();  // checked first: a ticket that rank 0 left before it was lost counts
    if (fs::exists(folder_.ticket())) {
      std::ifstream file(folder_.ticket());
      std::string text{std::istreambuf_iterator<char>(file), {}};
      if (!text.empty()) text.pop_back();
      return text;
    }
    if (lost || (clock.now() - begun > begin_seconds && !rank_0_began())) {
      throw Error(Exit::interrupted, lost ? "rank 0 was lost before it named the blackboard; the same command starts again"
                                          : "rank 0 has not begun within 30 s; the same command starts again");
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(pause));
  }
}

}  // namespace stint
