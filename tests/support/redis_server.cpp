// SPDX-License-Identifier: Apache-2.0
#include "support/redis_server.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace stint::test_support {
namespace {

constexpr auto start_bound = std::chrono::seconds(20);

const char* program() {
  const char* chosen = std::getenv("STINT_REDIS_SERVER");
  return chosen != nullptr ? chosen : "redis-server";
}

}  // namespace

RedisServer::RedisServer(std::vector<std::string> options) : options_(std::move(options)) {
  std::signal(SIGPIPE, SIG_IGN);  // hiredis writes without MSG_NOSIGNAL
  std::string name = "/tmp/stint-test-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder like " + name);
  folder_ = name;
  start();
}

RedisServer::~RedisServer() {
  end(SIGKILL);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

redis::Address RedisServer::address() const {
  redis::Address address;
  address.socket = folder_ + "/redis.sock";
  return address;
}

void RedisServer::start() {
  const std::string socket = address().socket, log = folder_ + "/redis.log";
  std::vector<std::string> words{program(), "--port", "0", "--unixsocket", socket, "--dir", folder_, "--logfile",
                                 log,       "--save", "",  "--daemonize",  "no"};
  words.insert(words.end(), options_.begin(), options_.end());
  std::vector<char*> line;
  for (auto& word : words) line.push_back(word.data());
  line.push_back(nullptr);
  std::filesystem::remove(socket);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    execvp(line[0], line.data());
    _exit(127);
  }
  try {
    wait_until_it_answers();
  } catch (...) {
    end(SIGKILL);
    throw;
  }
}

void RedisServer::wait_until_it_answers() {
  const std::string log = folder_ + "/redis.log";
  std::string last;
  const auto until = std::chrono::steady_clock::now() + start_bound;
  while (std::chrono::steady_clock::now() < until) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      throw std::runtime_error(std::string(program()) + " ended at once; see " + log);
    }
    try {
      redis::Connection(address()).command({"PING"});
      return;
    } catch (const std::runtime_error& error) {  // not there yet, or LOADING
      last = error.what();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  throw std::runtime_error("redis-server did not answer within 20 s: " + last + "; see " + log);
}

void RedisServer::kill() { end(SIGKILL); }
void RedisServer::pause() { ::kill(pid_, SIGSTOP); }
void RedisServer::resume() { ::kill(pid_, SIGCONT); }

void RedisServer::end(int signal) {
  if (pid_ <= 0) return;
  ::kill(pid_, signal);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace stint::test_support
