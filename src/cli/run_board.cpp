// SPDX-License-Identifier: Apache-2.0
// The address of a call's blackboard: rank 0 finds or starts the blackboard and passes its address to the other ranks. Each
// rank asks for the address before each connection, since the blackboard may move.
#include "cli/run_command.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/program.hpp"
#include "blackboard/directory.hpp"
#include "cli/board_address.hpp"
#include "cli/board_place.hpp"
#include "cli/embedded.hpp"
#include "cli/home.hpp"
#include "cli/home_board.hpp"
#include "engine/whereabouts.hpp"
#include "mpi/slurm_step.hpp"
#include "mpi/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>
#include <random>
#include <sstream>
#include <thread>

namespace stint {
namespace {

// For a blackboard that does not answer when a run begins: it may be restarting, or its address is wrong.
constexpr double first_contact_seconds = 3;
constexpr double rank_0_seconds = 120;  // for rank 0 to start it, if rank 0 cannot send a sign meanwhile
constexpr auto board_pause = std::chrono::milliseconds(50);
constexpr auto search_sign = std::chrono::seconds(5);
constexpr const char* searching = "searching";
std::string random_id() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

}  // namespace

// Rank 0 broadcasts as soon as MPI is initialised. Only if mpirun has recovery on can rank 0 be lost while the others stay.
double RunCommand::broadcast_seconds() const { return launched_.launched() ? 15 : 120; }

// Starts the server at the same time as MPI.
void RunCommand::start_board() {
  if (!given_board(options_.board, options_.board_file)) start_.emplace(options_.interface);
}

void RunCommand::find_board() {
  const auto given = given_board(options_.board, options_.board_file);
  if (given) {
    address_ = *given;
    if (given->socket.empty()) network_ = given;
  } else {
    auto found = start_->wait();
    address_ = found.here;
    network_ = found.network;
  }
  follow_board();
  const SteadyClock clock;
  const double end = clock.now() + std::min(first_contact_seconds, options_.board_timeout);
  for (;; std::this_thread::sleep_for(board_pause)) {
    try {
      Directory(board_).check();
      return;
    } catch (const BoardLost& lost) {
      const std::string why = lost.what();
      if (why.starts_with("LOADING") || why.starts_with("BUSY")) return;  // it answers, and a later step waits for it
      if (clock.now() < end) continue;
      throw Error(Exit::board, why + (given ? "; start the blackboard, or leave --board away" : "; " + typed("doctor") + " says more"));
    }
  }
}

// The blackboard may move during the run.
void RunCommand::follow_board() {
  std::shared_ptr<BoardPlace> place;
  if (!options_.board_file.empty()) {
    place = std::make_shared<BoardPlace>(address_, std::filesystem::path(options_.board_file));
  } else if (given_board(options_.board, "") || home_path().empty()) {
    place = std::make_shared<BoardPlace>(address_);
  } else {
    const bool named = !options_.interface.empty() && options_.interface != "none";
    place = std::make_shared<BoardPlace>(address_, home_path(), named ? options_.interface : "auto");
  }
  board_ = [place](int misses) { return place->now(misses); };
}

void RunCommand::listen_for_other_hosts() {
  if (given_board(options_.board, options_.board_file)) {
    throw Error(Exit::usage, "these ranks are on several hosts, and " + address_.shown() +
                                 " is reached from one; give --board redis://host:port");
  }
  if (options_.interface == "none") {
    throw Error(Exit::usage, "these ranks are on several hosts, and --interface none keeps the blackboard from them; leave "
                             "it away, or give --board redis://host:port");
  }
  network_ = open_to_network(home_folder(), options_.interface.empty() ? "auto" : options_.interface);
}

// Rank 0 finds the blackboard, which may first have to load much data, and passes its address to the others. Empty: it
// failed, and sets `trouble`. Meanwhile it sends a sign from time to time: without one the others would consider it lost.
std::string RunCommand::tell_place(mpi::World& world, std::optional<WorldHost>& host, std::optional<Error>& trouble) {
  const auto say = [&](const std::string& told) {
    if (ticket_) {
      if (told != searching) ticket_->leave(told);
    } else if (world.speaks()) world.broadcast(told, broadcast_seconds());
    return told;
  };
  if (trouble) return say("");
  auto search = std::async(std::launch::async, [&] {
    find_board();
    if (ranks_here_ < ranks_ && !network_) listen_for_other_hosts();
    const auto step = mpi::slurm_step();
    world_id_ = step ? fmt::format("{}.{}", step->name, Directory(board_).count_call(step->name, step->rank)) : random_id();
    host.emplace(board_, world_id_, ranks_);
  });
  for (bool said = false; search.wait_for(search_sign) != std::future_status::ready; said = true) {
    if (!said) display_->say("waiting for the blackboard to start");
    say(searching);
  }
  try {
    search.get();
  } catch (const Error& error) {
    trouble = error;
  } catch (const BoardLost& lost) {
    trouble = Error(Exit::board, std::string("lost the blackboard: ") + lost.what() + "; the same command continues");
  }
  if (trouble) return say("");
  return say(place_told());
}

std::string RunCommand::hear_place(mpi::World& world) {
  if (ticket_) return ticket_->await();
  if (!world.speaks()) return place_without_mpi();
  std::string told;
  do {
    told = world.broadcast("", broadcast_seconds());
  } while (told == searching);
  return told;
}

// One line each: the address for ranks of other hosts, the address for this host's ranks, host, kernel, and world.
std::string RunCommand::place_told() const {
  const auto here = Whereabouts::here();
  return fmt::format("{}\n{}\n{}\n{}\n{}", network_.value_or(address_).whole(), address_.whole(), here.host, here.boot, world_id_);
}

void RunCommand::take_place(const std::string& told) {
  std::istringstream lines(told);
  std::string network, near, host, boot;
  for (auto* line : {&network, &near, &host, &boot, &world_id_}) std::getline(lines, *line);
  const auto here = Whereabouts::here();
  address_ = redis::parse_address(host == here.host && boot == here.boot ? near : network);
  follow_board();
}

// The text that rank 0 would pass. Rank 0 starts the blackboard of the home, and opens it to the network.
std::string RunCommand::place_without_mpi() {
  const auto step = *mpi::slurm_step();
  const SteadyClock clock;
  double end = clock.now() + rank_0_seconds;
  for (auto found = given_board(options_.board, options_.board_file);; found = answering(home_folder())) {
    try {
      if (found) {
        address_ = *found;
        world_id_ = fmt::format("{}.{}", step.name, Directory(address_).count_call(step.name, step.rank));
        return place_told();
      }
    } catch (const BoardLost&) {
      end = clock.now() + rank_0_seconds;  // it answers, and loads its data
    }
    if (clock.now() > end) {
      throw Error(Exit::interrupted, "rank 0 started no blackboard in " + home_folder().string() +
                                         " in time; the same command starts again");
    }
    std::this_thread::sleep_for(board_pause);
  }
}

}  // namespace stint
