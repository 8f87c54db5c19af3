// SPDX-License-Identifier: Apache-2.0
#include "record.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <exception>
#include <span>
#include <stdexcept>
#include <type_traits>

namespace stint::commands {
namespace {

constexpr const char* no_record = "no record of a command";

// Refuses for an integer what JSON stores as floating point: a fraction, or a number of more than 64 bits.
template <class T>
void take(const nlohmann::json& json, const std::string& name, T& field) {
  const auto& value = json.at(name);
  if (std::is_integral_v<T> && !value.is_number_integer()) throw std::runtime_error(no_record);
  value.get_to(field);
}

void put(nlohmann::json& json, const std::string& prefix, const Place& place) {
  json[prefix + "log"] = place.log;
  json[prefix + "out_at"] = place.out_at;
  json[prefix + "out_bytes"] = place.out_bytes;
  json[prefix + "err_at"] = place.err_at;
  json[prefix + "err_bytes"] = place.err_bytes;
  json[prefix + "out_sum"] = place.out_sum;
  json[prefix + "err_sum"] = place.err_sum;
}

Place place_of(const nlohmann::json& json, const std::string& prefix) {
  Place place;
  take(json, prefix + "log", place.log);
  take(json, prefix + "out_at", place.out_at);
  take(json, prefix + "out_bytes", place.out_bytes);
  take(json, prefix + "err_at", place.err_at);
  take(json, prefix + "err_bytes", place.err_bytes);
  if (!json.contains(prefix + "out_sum")) return place;
  take(json, prefix + "out_sum", place.out_sum);
  take(json, prefix + "err_sum", place.err_sum);
  return place;
}

// Any bytes as UTF-8, each as the character of its number: ASCII, which is the common case, stays readable.
std::string as_text(const std::string& bytes) {
  std::string text;
  for (unsigned char c : bytes) {
    if (c >= 0x80) text += static_cast<char>(0xc0 | c >> 6);
    text += static_cast<char>(c < 0x80 ? c : 0x80 | (c & 0x3f));
  }
  return text;
}

std::string as_bytes(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool two = c >= 0x80 && i + 1 < text.size();
    bytes += static_cast<char>(two ? (c & 3) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f) : c);
  }
  return bytes;
}

// Packed numbers: seven bits a byte, the lowest first; all bytes but the last have their highest bit set.
void put(std::string& to, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) to += static_cast<char>(number | 0x80);
  to += static_cast<char>(number);
}

std::uint64_t get(std::string_view& from) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    number |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return number;
  }
  throw std::runtime_error(no_record);
}

std::string get_bytes(std::string_view& from) {
  const auto size = get(from);
  if (size > from.size()) throw std::runtime_error(no_record);
  const std::string bytes(from.substr(0, size));
  from.remove_prefix(size);
  return bytes;
}

// Eight bytes: a checksum does not become shorter by packing.
void put_sum(std::string& to, std::uint64_t sum) {
  for (int i = 0; i < 8; ++i, sum >>= 8) to += static_cast<char>(sum);
}

std::uint64_t get_sum(std::string_view& from) {
  if (from.size() < 8) throw std::runtime_error(no_record);
  std::uint64_t sum = 0;
  for (int i = 7; i >= 0; --i) sum = sum << 8 | static_cast<unsigned char>(from[static_cast<std::size_t>(i)]);
  from.remove_prefix(8);
  return sum;
}

void put(std::string& to, Names& names, const Place& place, bool sums) {
  put(to, names.number_of(place.log));
  for (auto number : {place.out_at, place.out_bytes, place.err_at, place.err_bytes}) put(to, number);
  if (sums && place.out_bytes > 0) put_sum(to, place.out_sum);
  if (sums && place.err_bytes > 0) put_sum(to, place.err_sum);
}

Place get_place(std::string_view& from, const Names& names, bool sums) {
  Place place;
  place.log = names[get(from)];
  for (auto* number : {&place.out_at, &place.out_bytes, &place.err_at, &place.err_bytes}) *number = get(from);
  if (sums && place.out_bytes > 0) place.out_sum = get_sum(from);
  if (sums && place.err_bytes > 0) place.err_sum = get_sum(from);
  return place;
}

void put_seconds(std::string& to, double seconds) {
  put(to, static_cast<std::uint64_t>(std::llround(std::max(0.0, seconds) * 1e6)));
}

double get_seconds(std::string_view& from) { return static_cast<double>(get(from)) / 1e6; }

constexpr std::uint64_t with_copy = 1, with_carried = 2, with_sums = 4;  // sums: not in records of Stint 0.1

}  // namespace

std::string text_of(const Record& record) {
  nlohmann::json json{{"number", record.number}, {"exit", record.exit},       {"signal", record.signal},
                      {"start", record.start},   {"seconds", record.seconds}, {"host", record.host}};
  put(json, "", record.place);
  if (!record.copy.log.empty()) put(json, "copy_", record.copy);
  if (!record.carried.empty()) {
    json["out"] = as_text(record.carried.out);
    json["err"] = as_text(record.carried.err);
  }
  if (!record.said.empty()) json["said"] = as_text(record.said);
  return json.dump();
}

Record record_of(const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  Record record;
  take(json, "number", record.number);
  take(json, "exit", record.exit);
  take(json, "signal", record.signal);
  take(json, "start", record.start);
  take(json, "seconds", record.seconds);
  take(json, "host", record.host);
  record.place = place_of(json, "");
  if (json.contains("copy_log")) record.copy = place_of(json, "copy_");
  record.carried = {as_bytes(json.value("out", "")), as_bytes(json.value("err", ""))};
  record.said = as_bytes(json.value("said", ""));
  return record;
}

std::optional<Record> record_in(const std::string& detail) {
  if (detail.empty()) return std::nullopt;
  try {
    return record_of(detail);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::uint64_t Names::number_of(const std::string& name) {
  const auto [at, is_new] = numbers_.emplace(name, names_.size());
  if (is_new) names_.push_back(name);
  return at->second;
}

const std::string& Names::operator[](std::uint64_t number) const {
  if (number >= names_.size()) throw std::runtime_error(no_record);
  return names_[number];
}

bool Names::begin_with(const Names& others) const {
  return names_.size() >= others.names_.size() && std::ranges::equal(others.names_, std::span(names_).first(others.names_.size()));
}

void pack(const Record& record, Names& names, std::string& to) {
  const bool sums = (record.place.out_sum | record.place.err_sum | record.copy.out_sum | record.copy.err_sum) != 0;
  put(to, (record.copy.log.empty() ? 0 : with_copy) | (record.carried.empty() ? 0 : with_carried) | (sums ? with_sums : 0));
  put(to, record.number);
  put(to, static_cast<std::uint32_t>(record.exit));
  put(to, static_cast<std::uint32_t>(record.signal));
  put_seconds(to, record.start);
  put_seconds(to, record.seconds);
  put(to, names.number_of(record.host));
  put(to, names, record.place, sums);
  if (!record.copy.log.empty()) put(to, names, record.copy, sums);
  if (record.carried.empty()) return;
  for (const auto* bytes : {&record.carried.out, &record.carried.err}) {
    put(to, bytes->size());
    to += *bytes;
  }
}

Record unpack(std::string_view& from, const Names& names) {
  const auto with = get(from);
  Record record;
  record.number = get(from);
  record.exit = static_cast<std::int32_t>(get(from));
  record.signal = static_cast<std::int32_t>(get(from));
  record.start = get_seconds(from);
  record.seconds = get_seconds(from);
  record.host = names[get(from)];
  const bool sums = (with & with_sums) != 0;
  record.place = get_place(from, names, sums);
  if ((with & with_copy) != 0) record.copy = get_place(from, names, sums);
  if ((with & with_carried) != 0) {
    record.carried.out = get_bytes(from);
    record.carried.err = get_bytes(from);
  }
  return record;
}

void Records::check() const {
  std::uint64_t carried = 0;
  each([&](const Record& record) { carried += record.carried.out.size() + record.carried.err.size(); });
  if (carried != carried_) throw std::runtime_error("records that carry more or less than they say");
}

void Records::add(const Record& record) {
  carried_ += record.carried.out.size() + record.carried.err.size();
  pack(record, names_, packed_);
}

void Records::add(Records others) {
  if (packed_.empty()) {
    *this = std::move(others);
    return;
  }
  carried_ += others.carried_;
  if (names_.begin_with(others.names_)) {
    packed_ += others.packed_;
  } else {
    others.each([&](const Record& record) { pack(record, names_, packed_); });
  }
}

}  // namespace stint::commands
