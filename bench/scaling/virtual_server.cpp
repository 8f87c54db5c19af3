// SPDX-License-Identifier: Apache-2.0
#include "scaling/virtual_server.hpp"

#include "simulation/hooked_board.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace stint::scaling {
namespace {

constexpr double epoch = 1'000'000;   // what the scripts take for the beginning
constexpr double time_steps = 0.005;  // seconds by which their time may be behind

double seconds_of(clockid_t clock) {
  timespec time{};
  if (::clock_gettime(clock, &time) != 0)
    throw std::runtime_error("cannot read a processor time: has the server ended?");
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Retries, copies and leases of the scripts go by the server's clock, which runs too slowly for us: they look at ours.
std::string on_our_time(std::string_view text) {
  constexpr std::string_view theirs = "local time = redis.call('TIME')";
  const auto at = text.find(theirs);
  if (at == text.npos) throw std::logic_error("lua/common.lua has another clock now");
  return std::string(text).replace(at, theirs.size(), "local time = {redis.call('GET', 'stint:now'), 0}");
}

// Seconds of a heartbeat when nothing disturbs the server, on the machine of bench/README.md. It costs the same
// whatever the number of ranks and chunks (but for the leader's), so what it takes just now says how disturbed the
// machine is.
constexpr double quiet_heartbeat = 36e-6;
constexpr int first_heartbeats = 400;  // of a run of their own, before ours begins

// Commands of the method, where it is more than one.
unsigned trips_of(const std::string& step) {
  if (step == "join") return 3;
  return step == "state" ? 2 : 1;
}

}  // namespace

VirtualServer::VirtualServer(const redis::Address& address, pid_t server, const std::string& run, VirtualClock& clock,
                             double network, bool as_measured)
    : clock_(clock), network_(network), as_measured_(as_measured), time_(address) {
  if (::clock_getcpuclockid(server, &server_clock_) != 0) throw std::runtime_error("cannot find the server's clock");
  RedisBlackboard yardstick(address, "yardstick", on_our_time);
  time_.command({"SET", "stint:now", std::to_string(epoch)});
  RunSpec spec;
  spec.run = "yardstick";
  spec.chunks = 1;
  const auto generation = yardstick.create(spec, true, false).state.generation;
  for (const auto* worker : {"leader", "worker"}) yardstick.join({worker, 0, 0, {}, 0}, "{}", -1, "");
  for (int i = 0; i < first_heartbeats; ++i) {
    service_begun_ = seconds_of(server_clock_);
    yardstick.renew("worker", generation, true, "");
    learn(seconds_of(server_clock_) - service_begun_);
  }
  board_ = std::make_unique<test_support::HookedBoard>(
      std::make_shared<RedisBlackboard>(address, run, on_our_time),
      [this](const std::string&) {
        before();
        return test_support::Fate::well;
      },
      [](const std::function<void()>&) {}, [this](const std::string& step) { after(step); });
}

// What a heartbeat took; the leader's, who is told of everybody, does not count.
void VirtualServer::learn(double measured) {
  if (measured < 4 * heartbeat_) heartbeat_ += 0.02 * (measured - heartbeat_);
}

void VirtualServer::begin(double now) {
  clock_.set(now);
  event_ = now;
  own_ = seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

double VirtualServer::end() {
  clock_.advance(seconds_of(CLOCK_THREAD_CPUTIME_ID) - own_);
  return clock_.now();
}

void VirtualServer::before() {
  clock_.advance(seconds_of(CLOCK_THREAD_CPUTIME_ID) - own_);
  if (clock_.now() >= told_ + time_steps) {
    told_ = clock_.now();
    time_.command({"SET", "stint:now", std::to_string(epoch + told_)});
  }
  own_ = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  service_begun_ = seconds_of(server_clock_);
}

void VirtualServer::after(const std::string& step) {
  const double measured = seconds_of(server_clock_) - service_begun_;
  if (step == "renew") learn(measured);
  const double service = as_measured_ ? measured : measured * quiet_heartbeat / heartbeat_;
  const double arrived = clock_.now() + network_ / 2;
  const double wait = std::max(0.0, free_at_ - arrived);
  // Steps are simulated one after another, so the later requests of one come here before earlier ones of others. They
  // wait for all that is known, but do not keep the server idle for those that it has yet to hear of.
  free_at_ = std::max(free_at_, event_ + network_ / 2) + service;
  const unsigned trips = trips_of(step);
  const double own = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  clock_.advance(wait + service + trips * network_ + own - own_);
  own_ = own;

  round_trips_ += trips;
  auto& tally = tallies_[step];
  tally.calls += 1;
  tally.service += service;
  tally.wait += wait;
  tally.longest = std::max(tally.longest, service);
  tally.measured += measured;
  const auto second = static_cast<std::size_t>(arrived + wait);
  if (second >= busy_by_second_.size()) busy_by_second_.resize(second + 1);
  busy_by_second_[second] += service;
}

}  // namespace stint::scaling
