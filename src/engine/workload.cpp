// SPDX-License-Identifier: Apache-2.0
#include "engine/workload.hpp"

#include "engine/crash_report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace stint {
namespace {

constexpr std::size_t most_kept = 256;  // nodes kept for the reducer
constexpr double memory_seconds = 10;  // how long a measured speed counts
constexpr double long_seconds = 0.5;   // a chunk running for longer is reported
constexpr std::size_t most_told = 8;
constexpr double slow_chunk_seconds = 0.1;  // a longer chunk may be among the slowest

}  // namespace

Workload::Workload(const AnyJob& job, Costs costs, int threads, const Clock& clock)
    : job_(job), costs_(std::move(costs)), all_threads_(threads), clock_(clock), threads_(threads) {}

std::optional<Block> Workload::next_block() {
  if (ready_.empty()) return std::nullopt;
  auto& [range, attempt] = ready_.front();
  const double chunk_seconds = busy_chunks_ > 0 ? busy_ / busy_chunks_ : 0;
  const std::uint64_t count = std::min(range.size(), policy::block_chunks(ready_chunks_, all_threads_, chunk_seconds));
  std::uint64_t last = range.first + count;
  // Down to a border of a large node, so that blocks merge early; but keep more than half of the block.
  for (std::uint64_t step = 2; last < range.last && last / step * step > range.first + count / 2; step *= 2) {
    last = last / step * step;
  }
  Block block{++blocks_, {range.first, last}, attempt, epoch_, clock_.now()};
  range.first = last;
  ready_chunks_ -= block.chunks.size();
  if (range.empty()) ready_.pop_front();
  ready_cost_ = ready_.empty() ? 0 : ready_cost_ - costs_.of(block.chunks);
  running_.push_back(block);
  return block;
}

std::optional<Block> Workload::try_take() {
  const std::lock_guard lock(mutex_);
  return closed_ ? std::nullopt : next_block();
}

std::optional<Block> Workload::take(const std::atomic<std::uint64_t>* at_work) {
  std::unique_lock lock(mutex_);
  const auto next = [&] {
    auto block = closed_ ? std::nullopt : next_block();
    if (block) running_.back().at_work = at_work;
    return block;
  };
  auto block = next();
  if (block) {
    const bool low = ready_chunks_ == 0 || ready_seconds(block->begun) < low_water_;
    lock.unlock();
    if (low) on_change();
    return block;
  }
  lock.unlock();
  on_change();
  lock.lock();
  work_or_end_.wait(lock, [&] { return closed_ || !ready_.empty(); });
  return next();
}

void Workload::insert(Node node, Partial partial, std::uint64_t epoch) {
  for (;;) {
    Partial other;
    {
      const std::lock_guard lock(mutex_);
      if (epoch != epoch_) return;
      const auto sibling = node.level < largest_level ? nodes_.find(node.sibling()) : nodes_.end();
      // A copy may be refused as a whole: own results merged into it would be lost.
      if (sibling == nodes_.end() || apart_.contains(node.first()) != apart_.contains(sibling->first.first())) {
        if (!oldest_node_) oldest_node_ = clock_.now();
        nodes_.emplace(node, std::move(partial));
        return;
      }
      other = std::move(sibling->second);
      nodes_.erase(sibling);
    }
    const JobStep step("reduce");
    if (node.is_left()) {
      job_.reduce(*partial, std::move(other));
    } else {
      job_.reduce(*other, std::move(partial));
      partial = std::move(other);
    }
    node = node.parent();
  }
}

void Workload::put(const Block& block, std::vector<std::pair<Node, Partial>> nodes,
                   std::vector<ChunkFailure> failures) {
  const double now = clock_.now();
  if (came_back(block)) return;
  const bool first = !waiting_since();
  for (auto& [node, partial] : nodes) insert(node, std::move(partial), block.epoch);
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(running_, [&](const Block& b) { return b.number == block.number; });
    const double seconds = now - block.begun;
    const double decay = std::exp((decayed_at_ - now) / memory_seconds);
    busy_ = busy_ * decay + seconds;
    busy_cost_ = busy_cost_ * decay + costs_.of(block.chunks);
    busy_chunks_ = busy_chunks_ * decay + static_cast<double>(block.chunks.size());
    decayed_at_ = now;
    last_end_ = now;
    // A failed attempt and its time are not counted: chunks computed, chunks found and failed chunks add up to all chunks.
    const auto computed = block.chunks.size() - failures.size();
    work_.computed += computed;
    done_ += computed;
    work_.busy_seconds += seconds * static_cast<double>(computed) / static_cast<double>(block.chunks.size());
    if (const double each = seconds / static_cast<double>(block.chunks.size()); each > work_.longest) {
      work_.longest = each;
      work_.longest_chunk.reset();
      if (block.chunks.size() == 1 && each >= slow_chunk_seconds) work_.longest_chunk = block.chunks.first;
    }
    if (block.epoch == epoch_) failures_.insert(failures_.end(), failures.begin(), failures.end());
    // Otherwise the courier need not wake: it sees the nodes when a commit is due.
    wake = (tell_first_node && first) || !failures_.empty() || (ready_.empty() && running_.empty());
  }
  if (wake) on_change();
}

void Workload::tell(const std::atomic<std::uint64_t>* at_work, std::string_view note) {
  const std::lock_guard lock(mutex_);
  for (auto& block : running_) {
    if (block.at_work == at_work) block.note = note;
  }
}

std::string Workload::at_work() const {
  const std::lock_guard lock(mutex_);
  const double now = clock_.now();
  const auto seconds = [&](const Block& block) { return std::round((now - block.begun) * 1000) / 1000; };
  auto list = nlohmann::json::array();
  for (const auto& block : running_) {  // in the order in which they were started
    if (list.size() == most_told || now - block.begun < long_seconds) break;
    list.push_back({{"chunk", chunk_at_work(block)}, {"seconds", seconds(block)}, {"what", block.note}});
  }
  const nlohmann::json report{{"done", done_},
                              {"running", running_.size()},
                              {"oldest", running_.empty() ? 0.0 : seconds(running_.front())},
                              {"chunks", std::move(list)}};
  return report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void Workload::set_low_water(double seconds) {
  const std::lock_guard lock(mutex_);
  low_water_ = seconds;
}

void Workload::abandon(const Block& block, std::vector<std::pair<Node, Partial>> nodes) {
  if (came_back(block)) return;
  std::uint64_t computed = 0;
  for (auto& [node, partial] : nodes) {
    computed += node.size();
    insert(node, std::move(partial), block.epoch);
  }
  {
    const std::lock_guard lock(mutex_);
    work_.computed += computed;
    std::erase_if(running_, [&](const Block& b) { return b.number == block.number; });
  }
  on_change();
}

void Workload::add(Range chunks, int attempt, bool apart) {
  {
    const std::lock_guard lock(mutex_);
    if (apart) apart_.add(chunks);
    ready_.emplace_back(chunks, attempt);
    ready_chunks_ += chunks.size();
    ready_cost_ += costs_.of(chunks);
    held_.add(chunks);
  }
  work_or_end_.notify_all();
}

double Workload::ready_seconds(double now) const {
  if (busy_cost_ <= 0) return 0;
  // A block that takes longer than expected means that others may, but one long chunk after a thousand short ones counts
  // as one.
  double busy = busy_, cost = busy_cost_;
  for (const auto& block : running_) {
    busy += now - block.begun;
    cost += costs_.of(block.chunks);
  }
  return ready_cost_ * std::max(busy_ / busy_cost_, busy / cost) / std::max(threads_, 1);
}

policy::Demand Workload::demand() const {
  const std::lock_guard lock(mutex_);
  return {threads_, static_cast<int>(running_.size()), ready_chunks_, ready_seconds(clock_.now()),
          busy_chunks_ > 0 ? busy_ / busy_chunks_ : 0};
}

double Workload::rate() const {
  const std::lock_guard lock(mutex_);
  return busy_cost_ > 0 ? busy_ / busy_cost_ / std::max(threads_, 1) : 0;
}

Workload::Taken Workload::collect() {
  const std::lock_guard lock(mutex_);
  Taken taken;
  for (auto& [node, partial] : nodes_) taken.nodes.emplace_back(node, std::move(partial));
  nodes_.clear();
  oldest_node_.reset();
  taken.work = work_;
  taken.work.last_end = last_end_ >= 0 ? clock_.now() - last_end_ : -1;
  work_ = {};
  return taken;
}

std::optional<double> Workload::waiting_since() const {
  const std::lock_guard lock(mutex_);
  return nodes_.empty() ? std::nullopt : oldest_node_;
}

void Workload::committed(const std::vector<Node>& nodes) {
  const std::lock_guard lock(mutex_);
  for (const auto& node : nodes) held_.remove(node.range());
}

void Workload::keep(const Node& node, Partial partial) {
  const std::lock_guard lock(mutex_);
  if (kept_.size() < most_kept) kept_[node] = std::move(partial);
}

Partial Workload::take_kept(const Node& node) {
  const std::lock_guard lock(mutex_);
  auto kept = kept_.extract(node);
  return kept ? std::move(kept.mapped()) : nullptr;
}

std::optional<ChunkFailure> Workload::next_failure() {
  const std::lock_guard lock(mutex_);
  if (failures_.empty()) return std::nullopt;
  return failures_.front();
}

void Workload::add_failure(ChunkFailure failure) {
  const std::lock_guard lock(mutex_);
  failures_.push_back(std::move(failure));
}

void Workload::failure_told(std::uint64_t chunk) {
  const std::lock_guard lock(mutex_);
  if (!failures_.empty() && failures_.front().chunk == chunk) failures_.pop_front();
  held_.remove({chunk, chunk + 1});
}

std::optional<ChunkFailure> Workload::give_up_overdue(double seconds) {
  const std::lock_guard lock(mutex_);
  const auto overdue =
      std::ranges::find_if(running_, [&](const Block& block) { return clock_.now() - block.begun > seconds; });
  if (overdue == running_.end()) return std::nullopt;
  ChunkFailure failure{chunk_at_work(*overdue), overdue->attempt, ""};
  held_.remove(overdue->chunks);
  lost_.push_back(*overdue);
  running_.erase(overdue);
  threads_ -= 1;
  return failure;
}

// Whether the block was given up and its thread has now returned; its results are not wanted.
bool Workload::came_back(const Block& block) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(lost_, block.number, &Block::number);
  if (found == lost_.end()) return false;
  lost_.erase(found);
  threads_ += 1;
  return true;
}

std::uint64_t Workload::chunk_at_work(const Block& block) {
  const std::uint64_t at = block.at_work != nullptr ? block.at_work->load(std::memory_order_relaxed) : 0;
  return std::clamp(at, block.chunks.first, block.chunks.last - 1);
}

std::optional<std::pair<std::uint64_t, double>> Workload::oldest_running() const {
  const std::lock_guard lock(mutex_);
  const auto oldest = std::ranges::min_element(running_, {}, &Block::begun);
  if (oldest == running_.end()) return std::nullopt;
  return std::pair(chunk_at_work(*oldest), oldest->begun);
}

int Workload::threads() const {
  const std::lock_guard lock(mutex_);
  return threads_;
}

bool Workload::trim(double seconds) {
  const std::lock_guard lock(mutex_);
  const double now = clock_.now();
  const auto threads = static_cast<std::uint64_t>(std::max(threads_, 0));
  const auto idle = threads - std::min<std::uint64_t>(running_.size(), threads);
  const std::uint64_t keep = seconds > 0 ? idle : 0;
  bool any = false;
  while (ready_chunks_ > keep && (seconds <= 0 || ready_seconds(now) > seconds)) {
    Range& range = ready_.back().first;
    const std::uint64_t most = std::min(range.size(), ready_chunks_ - keep);
    const Range piece{range.last - (seconds > 0 ? std::min(most, (range.size() + 1) / 2) : most), range.last};
    range.last = piece.first;
    if (range.empty()) ready_.pop_back();
    ready_chunks_ -= piece.size();
    ready_cost_ = ready_.empty() ? 0 : ready_cost_ - costs_.of(piece);
    held_.remove(piece);
    any = true;
  }
  return any;
}

std::vector<Range> Workload::held(const std::vector<Node>& but) const {
  const std::lock_guard lock(mutex_);
  if (but.empty()) return held_.ranges();
  RangeSet rest = held_;
  for (const auto& node : but) rest.remove(node.range());
  return rest.ranges();
}

bool Workload::idle() const {
  const std::lock_guard lock(mutex_);
  return ready_.empty() && running_.empty() && nodes_.empty() && failures_.empty();
}

void Workload::reset() {
  const std::lock_guard lock(mutex_);
  epoch_ += 1;
  ready_.clear();
  ready_cost_ = 0;
  ready_chunks_ = 0;
  running_.clear();
  nodes_.clear();
  kept_.clear();
  oldest_node_.reset();
  failures_.clear();
  held_.clear();
  apart_.clear();
}

void Workload::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  work_or_end_.notify_all();
}

}  // namespace stint
