// SPDX-License-Identifier: Apache-2.0
#include "command_list.hpp"

#include <algorithm>
#include <stdexcept>

namespace stint::commands {

void CommandList::add(std::string_view text, const std::vector<std::string>& values) {
  begins_.push_back(bytes_.size());
  (bytes_ += text) += '\0';
  for (const auto& value : values) (bytes_ += value) += '\0';
}

void CommandList::add_earlier(std::uint64_t number, const Earlier& earlier) {
  auto& packed = earlier_[number];
  packed = {"", earlier.error};
  pack(earlier.record, names_, packed.record);
}

void CommandList::begin_in(std::vector<std::uint64_t> numbers, std::vector<double> seconds) {
  order_ = std::move(numbers);
  seconds_ = std::move(seconds);
}

bool CommandList::sound() const {
  const auto is_number = [&](std::uint64_t number) { return number > 0 && number <= size(); };
  std::uint64_t least = 0;
  for (const auto begin : begins_) {
    const bool ends_before = begin == 0 || (begin <= bytes_.size() && bytes_[begin - 1] == '\0');
    if (begin < least || begin >= bytes_.size() || !ends_before) return false;
    least = begin + 1;
  }
  if (!begins_.empty() && (begins_.front() != 0 || bytes_.back() != '\0')) return false;
  if (!order_.empty() && order_.size() != size()) return false;
  std::vector<bool> begun(size());  // by number - 1
  for (const auto number : order_) {
    if (!is_number(number) || begun[number - 1]) return false;
    begun[number - 1] = true;
  }
  return std::ranges::all_of(earlier_, [&](const auto& each) { return is_number(each.first) && is_record(each.second.record); });
}

bool CommandList::is_record(std::string_view packed) const {
  try {
    unpack(packed, names_);
  } catch (const std::runtime_error&) {
    return false;
  }
  return packed.empty();
}

Command CommandList::operator[](std::uint64_t chunk) const {
  const auto number = number_of(chunk);
  return {number, std::string(text(number)), values(number), earlier(number)};
}

std::optional<Earlier> CommandList::earlier(std::uint64_t number) const {
  const auto found = earlier_.find(number);
  if (found == earlier_.end()) return std::nullopt;
  std::string_view packed = found->second.record;
  return Earlier{unpack(packed, names_), found->second.error};
}

std::uint64_t CommandList::number_of(std::uint64_t chunk) const {
  if (chunk >= size()) throw std::out_of_range("no such chunk");
  return order_.empty() ? chunk + 1 : order_.at(chunk);
}

std::uint64_t CommandList::chunk_of(std::uint64_t number) const {
  if (number == 0 || number > size()) throw std::out_of_range("no such command");
  if (order_.empty()) return number - 1;
  return static_cast<std::uint64_t>(std::ranges::find(order_, number) - order_.begin());
}

std::string_view CommandList::bytes(std::uint64_t number) const {
  const auto begin = begins_.at(number - 1);
  const auto end = number < begins_.size() ? begins_[number] : bytes_.size();
  return std::string_view(bytes_).substr(begin, end - begin);
}

std::string_view CommandList::text(std::uint64_t number) const {
  const auto all = bytes(number);
  return all.substr(0, all.find('\0'));
}

std::vector<std::string> CommandList::values(std::uint64_t number) const {
  std::vector<std::string> values;
  auto rest = bytes(number).substr(text(number).size() + 1);
  while (!rest.empty()) {
    values.emplace_back(rest.substr(0, rest.find('\0')));
    rest.remove_prefix(values.back().size() + 1);
  }
  return values;
}

}  // namespace stint::commands
