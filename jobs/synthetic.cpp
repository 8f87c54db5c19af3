// SPDX-License-Identifier: Apache-2.0
#include "synthetic.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <numeric>
#include <ostream>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace {

void throw_if_stopped(const stint::Context& context) {
  if (context.stop_requested()) throw std::runtime_error("stopped");
}

void sleep(double seconds, const stint::Context& context) {
  using Clock = std::chrono::steady_clock;
  // A duration longer than any run would overflow the clock.
  const auto until =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(seconds, 1e9)));
  for (;;) {
    throw_if_stopped(context);
    const auto now = Clock::now();
    if (now >= until) return;
    std::this_thread::sleep_until(std::min(until, now + std::chrono::milliseconds(20)));
  }
}

double processor_seconds() {
  ::timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

std::vector<double> read_durations(const stint::InputFile& file) {
  std::ifstream text(file.path, std::ios::binary);
  if (!text) throw stint::BadInput("input '" + file.path + "': cannot be read");
  std::vector<double> seconds;
  std::uint64_t offset = 0;
  for (std::string line; std::getline(text, line); offset += line.size() + 1) {
    std::string_view number = line;
    if (number.ends_with('\r')) number.remove_suffix(1);
    double value = -1;
    try {
      value = stint::parse_number(number);
    } catch (const std::invalid_argument& error) {
      throw stint::BadInput(file.path, offset, error.what());
    }
    if (!std::isfinite(value) || value < 0) {
      throw stint::BadInput(file.path, offset,
                            "'" + std::string(number) + "' is no duration: give seconds, one a line");
    }
    seconds.push_back(value);
  }
  if (text.bad()) throw stint::BadInput("input '" + file.path + "': cannot be read to its end");
  if (seconds.empty()) throw stint::BadInput("input '" + file.path + "': no durations in it: give seconds, one a line");
  return seconds;
}

}  // namespace

ChunkList::ChunkList(std::string_view option, std::string_view text) {
  if (text.empty()) return;
  const std::string given = "--" + std::string(option) + " '" + std::string(text) + "': ";
  const std::string hint = "; give chunks such as 3,17,20-25, or 3,17:2 for the first two attempts only";
  auto number = [&](std::string_view digits) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || value == ~std::uint64_t{0}) {
      throw std::invalid_argument(given + "'" + std::string(digits) + "' is no number of a chunk" + hint);
    }
    return value;
  };
  if (const auto colon = text.find(':'); colon != text.npos) {
    attempts_ = number(text.substr(colon + 1));
    if (attempts_ == 0) throw std::invalid_argument(given + "no attempt is meant" + hint);
    text = text.substr(0, colon);
  }
  for (bool more = true; more;) {
    const auto comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    more = comma != text.npos;
    if (more) text.remove_prefix(comma + 1);
    const auto dash = part.find('-');
    const std::uint64_t first = number(part.substr(0, dash));
    const std::uint64_t last = dash == part.npos ? first : number(part.substr(dash + 1));
    if (last < first) throw std::invalid_argument(given + "'" + std::string(part) + "' runs backwards" + hint);
    ranges_.push_back({first, last + 1});
  }
}

bool ChunkList::names(std::uint64_t chunk, int attempt) const {
  if (static_cast<std::uint64_t>(attempt) > attempts_) return false;
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [&](stint::Range range) { return range.first <= chunk && chunk < range.last; });
}

std::uint64_t ChunkList::end() const {
  std::uint64_t end = 0;
  for (stint::Range range : ranges_) end = std::max(end, range.last);
  return end;
}

void spin(double seconds, const stint::Context* context) {
  const double until = processor_seconds() + seconds;
  std::uint64_t state = 1;
  while (processor_seconds() < until) {
    if (context != nullptr) throw_if_stopped(*context);
    for (int i = 0; i < 4000; ++i) state = state * 0x5851f42d4c957f2dU + 1;  // microseconds: the clock is a system call
    asm volatile("" : : "r"(state));                                         // or the loop would be left out
  }
}

double Synthetic::Plan::skewed(std::uint64_t chunk) const {
  if (skew == 1) return mean * 2 * (static_cast<double>(chunk) + 0.5) / static_cast<double>(chunks);
  // Pareto with exponent 1.5, cut at 50 times the mean. Its minimum is chosen so that the mean after the cut is 1:
  // it solves 3a - 2·a^1.5/√50 = 1.
  constexpr double begin = 0.353123;
  const double uniform = (static_cast<double>(mix(chunk) >> 11) + 0.5) * 0x1p-53;
  return mean * std::min(50.0, begin * std::pow(uniform, -1 / 1.5));
}

void Synthetic::options(stint::Options& options) {
  using enum stint::OptionKind;
  options.add("chunks", chunks, "chunks");
  options.add("seconds", seconds, "mean time of a chunk");
  options.add_choice("skew", skew, {"none", "linear", "pareto"}, "how the times differ: linear has the long ones last");
  options.add_file("durations", durations, "the time of each chunk in seconds, one a line, instead of the three above");
  options.add("longest-first", longest_first, "with --durations: the longest first, and their times known to the plan");
  options.add_choice("work", work, {"sleep", "spin"}, "how the time is spent; spin: of the processor");
  options.add_bytes("payload", payload, "bytes that each partial carries");
  options.add("fail-chunks", fail_chunks, "chunks that throw: 3,17,20-25, or 3,17:2 at the first two attempts",
              run_time);
  options.add("crash-chunks", crash_chunks, "chunks that kill their rank", run_time);
  options.add("crash-signal", crash_signal, "signal that they die of: 9 kills from outside, 11 is a bad pointer, 0 calls exit(3)", run_time);
  options.add_choice("crash-step", crash_step, {"none", "plan", "prepare", "reduce", "finish"},
                     "a step outside chunks that kills its rank in the same way", run_time);
  options.add("hang-chunks", hang_chunks, "chunks that do not end", run_time);
  options.add("append", append, "a file that gets a line 'chunk attempt worker' at every beginning of a chunk",
              run_time);
}

Synthetic::Plan Synthetic::plan(const stint::Context&) const {
  if (crash_step == "plan") die();
  if (!std::isfinite(seconds) || seconds < 0) throw std::invalid_argument("--seconds: give a duration of 0 or more");
  Plan plan{.chunks = chunks, .mean = seconds, .skew = skew == "linear" ? 1U : skew == "pareto" ? 2U : 0U};
  if (durations.empty()) {
    if (chunks == 0) throw std::invalid_argument("give --chunks, or --durations");
    if (longest_first) throw std::invalid_argument("--longest-first needs --durations");
  } else {
    const auto& files = durations.files();
    if (files.size() != 1) throw std::invalid_argument("--durations names one file, not a directory of them");
    plan.seconds = read_durations(files.front());
    if (chunks != 0 && chunks != plan.seconds.size()) {
      throw std::invalid_argument("--chunks " + std::to_string(chunks) + ", but --durations has " +
                                  std::to_string(plan.seconds.size()) + " lines: leave --chunks out");
    }
    plan.chunks = plan.seconds.size();
    if (longest_first) {
      stint::LongestFirst sorted = stint::longest_first(plan.seconds, plan.seconds);
      plan.seconds = sorted.cost;
      plan.indices = std::move(sorted.order);
      plan.costs = std::move(sorted.cost);
    }
  }
  for (const auto& [option, text] : {std::pair("fail-chunks", &fail_chunks), std::pair("crash-chunks", &crash_chunks),
                                     std::pair("hang-chunks", &hang_chunks)}) {
    if (ChunkList(option, *text).end() > plan.chunks) {
      throw std::invalid_argument(std::string("--") + option + " " + *text + ": the chunks are 0 to " +
                                  std::to_string(plan.chunks - 1));
    }
  }
  return plan;
}

void Synthetic::prepare(const stint::Context&) {
  if (crash_step == "prepare") die();
  dies_in_reduce_ = crash_step == "reduce";
  failing_ = ChunkList("fail-chunks", fail_chunks);
  crashing_ = ChunkList("crash-chunks", crash_chunks);
  hanging_ = ChunkList("hang-chunks", hang_chunks);
  append_to_ = nullptr;
  if (!append.empty()) {
    const int descriptor = ::open(append.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) throw stint::BadInput("--append " + append + ": " + std::strerror(errno));
    append_to_ = {new int(descriptor), [](const int* number) {
                    ::close(*number);
                    delete number;
                  }};
  }
  eventful_ = append_to_ || !failing_.empty() || !crashing_.empty() || !hanging_.empty();
}

void Synthetic::die() const {
  if (crash_signal == 0) std::exit(3);
  ::raise(static_cast<int>(crash_signal));
}

void Synthetic::misbehave(const stint::Context& context) const {
  const std::uint64_t chunk = context.chunk();
  const int attempt = context.attempt();
  if (append_to_) {
    const std::string line = std::to_string(chunk) + ' ' + std::to_string(attempt) + ' ' + context.worker() + '\n';
    // One write at the file's end, so lines of different ranks never mix.
    if (const auto count = ::write(*append_to_, line.data(), line.size()); count != static_cast<::ssize_t>(line.size())) {
      throw std::runtime_error("--append " + append + ": " + std::strerror(count < 0 ? errno : ENOSPC));
    }
  }
  if (crashing_.names(chunk, attempt)) die();
  if (failing_.names(chunk, attempt)) throw std::runtime_error("chunk " + std::to_string(chunk) + " fails as told");
  while (hanging_.names(chunk, attempt)) {
    throw_if_stopped(context);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void Synthetic::pass_time(const Item& item, const stint::Context& context) const {
  misbehave(context);
  if (!(item.seconds > 0)) return;
  if (work == "spin") {
    spin(item.seconds, &context);
  } else {
    sleep(item.seconds, context);
  }
}

std::vector<unsigned char> Synthetic::payload_of(std::uint64_t index) const {
  std::vector<unsigned char> bytes(payload);
  std::uint64_t state = mix(index);
  for (std::size_t at = 0; at < bytes.size(); at += sizeof state) {
    state = mix(state);
    std::memcpy(bytes.data() + at, &state, std::min(sizeof state, bytes.size() - at));
  }
  return bytes;
}

void Synthetic::add_payload(Partial& left, const Partial& right) {
  if (left.payload.size() != right.payload.size()) throw std::logic_error("payloads of two lengths");
  for (std::size_t i = 0; i < left.payload.size(); ++i) {
    left.payload[i] = static_cast<unsigned char>(left.payload[i] + right.payload[i]);
  }
}

void Synthetic::finish(const Partial& partial, stint::Output& output) const {
  if (crash_step == "finish") die();
  std::uint64_t digest = partial.digest;
  for (unsigned char byte : partial.payload) digest = mix(digest ^ byte);
  char sum[32];
  char hex[16];
  const std::string_view sum_digits(sum, std::to_chars(sum, sum + sizeof sum, partial.sum).ptr);
  const std::string hex_digits(hex, std::to_chars(hex, hex + sizeof hex, digest, 16).ptr);
  output.text() << "chunks " << partial.chunks << " sum " << sum_digits << " digest "
                << std::string(16 - hex_digits.size(), '0') << hex_digits << '\n';
}
