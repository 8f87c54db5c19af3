// SPDX-License-Identifier: Apache-2.0
#include "failure_text.hpp"

#include "output_log.hpp"
#include "record.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <sstream>

namespace stint::commands {
namespace {

constexpr std::size_t most_of_command = 100;          // bytes, on a line
constexpr std::uint64_t most_of_errors = 4096;        // bytes of the end of standard error
constexpr std::uint64_t most_checked = std::uint64_t{1} << 20;  // bytes read for that

// A text for one line, without control characters: blanks instead.
std::string on_a_line(std::string text, std::size_t most) {
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;  // within a character
  return text.substr(0, most) + "…";
}

std::string seconds(double time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", time);
  return text;
}

std::string begin_of(double start) {
  constexpr double latest = 253402300799;  // the end of the year 9999
  const auto time = static_cast<std::time_t>(std::clamp(start, 0.0, latest));
  std::tm local{};
  ::localtime_r(&time, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

std::string end_of_errors(const Record& record, const std::filesystem::path& store) {
  for (const auto* place : {&record.place, &record.copy}) {
    if (place->err_bytes == 0) continue;
    auto part = place->err();
    if (part.bytes > most_checked) part = {part.at + part.bytes - most_of_errors, most_of_errors, 0};
    std::ostringstream text;
    if (show((store / place->log).string() + ".err", part, "", text) != Shown::whole) continue;
    auto errors = text.str();
    return errors.substr(errors.size() - std::min<std::size_t>(errors.size(), most_of_errors));
  }
  return record.carried.err.empty() ? record.said : record.carried.err;
}

// "exit code 7" is the wording of the job log; on a line it is shorter, and the time of the command follows.
std::string short_reason(const std::string& error) {
  if (error.starts_with("timed out after ")) return "timed out";
  return error.starts_with("exit code ") ? "exit " + error.substr(10) : on_a_line(error, 200);
}

// Replaces each number by one sign: "no 3.txt" and "no 17.txt" are of one kind.
std::string without_numbers(const std::string& text) {
  std::string kind;
  for (char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit || !kind.ends_with('#')) kind += digit ? '#' : c;
  }
  return kind;
}

TextRows rows_of(std::string_view command, const std::string& how, const std::string& host, const std::optional<Record>& record,
                 const std::filesystem::path& store) {
  TextRows rows{{"command", std::string(command)}, {"exit", how}};
  if (record) rows.emplace_back("time", seconds(record->seconds) + ", begun " + begin_of(record->start));
  rows.emplace_back("host", host);
  if (record) rows.emplace_back("stderr", end_of_errors(*record, store));
  return rows;
}

}  // namespace

TextRows done_rows(const CommandList& list, std::uint64_t chunk, const Records& records, const std::filesystem::path& store) {
  const auto number = list.number_of(chunk);
  TextRows rows;
  records.each([&](const Record& record) {
    if (record.number == number) rows = rows_of(list.text(number), "exit code 0", record.host, record, store);
  });
  return rows;
}

FailureText failure_text(const CommandList& list, const FailedChunk& failed, const std::filesystem::path& store) {
  const auto number = list.number_of(failed.chunk);
  const std::string command(list.text(number));
  const auto record = record_in(failed.detail);
  const auto reason = short_reason(failed.error);
  const auto said = record ? on_a_line(record->said, 200) : "";
  FailureText text;
  text.kind = reason + "; " + said;
  text.kind = without_numbers(text.kind);
  const auto where = (record ? "after " + seconds(record->seconds) + " " : "") + "on " + failed.host;
  const bool is_sentence = reason.find(": ") != reason.npos;
  text.line = "command " + std::to_string(number) + " failed: " + reason + (is_sentence ? " (" + where + ")" : " " + where) + ": " +
              on_a_line(command, most_of_command) + (said.empty() ? "" : "; " + said);
  text.rows = rows_of(command, failed.error, failed.host, record, store);
  return text;
}

}  // namespace stint::commands
