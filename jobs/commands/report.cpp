// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <stint/error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace stint::commands {
namespace {

constexpr const char* no_longer_there = "no longer there";

void open(std::ofstream& file, const std::string& path) {
  if (path.empty()) return;
  file.open(path, std::ios::binary | std::ios::trunc);
  if (!file) throw BadInput("cannot write " + path + ": " + std::strerror(errno));
}

// GNU parallel's name of a folder for a value; but never another folder, and short enough for a file system.
std::string file_name(const std::string& value, std::uint64_t number) {
  std::string name;
  if (value.empty() || value == "." || value == "..") name = "\\";
  for (char c : value) {
    if (c == '/') {
      name += "\\_";
    } else if (c == '\\') {
      name += "\\\\";
    } else if (c == '\t') {
      name += "\\t";
    } else {
      name += c;
    }
  }
  const std::string end = "..." + std::to_string(number);
  return name.size() <= 255 ? name : name.substr(0, 255 - end.size()) + end;
}

// A command on one line of a list. If the plain text would not be read back unchanged, it is spelled in octal.
std::string as_line(std::string_view command) {
  const auto first = command.find_first_not_of(" \t");
  const bool plain =
      command.find('\n') == command.npos && !command.ends_with('\r') && first != command.npos && command[first] != '#';
  if (plain) return std::string(command);
  std::string line = "eval \"$(printf %b '";
  for (unsigned char c : command) {
    char code[8];
    std::snprintf(code, sizeof code, "\\0%03o", c);
    line += code;
  }
  return line + "')\"";
}

// Throws BadInput unless all writes reached the file; call it on the thread that wrote, right after the write.
void check(std::ofstream& file, const std::string& path) {
  if (!path.empty() && !file.flush()) throw BadInput("cannot write " + path + ": " + std::strerror(errno != 0 ? errno : EIO));
}

}  // namespace

std::string in_joblog(std::string_view text) {
  std::string command(text);
  std::ranges::replace(command, '\n', '\0');
  return command;
}

Report::Report(ReportOptions options, const CommandList& list, std::filesystem::path store,
               const std::filesystem::path& shown, std::string here)
    : options_(std::move(options)),
      list_(list),
      store_(std::move(store)),
      here_(std::move(here)),
      seen_(list.size(), false),
      shown_before_(list.size(), false) {
  if (!shown.empty()) {
    std::ifstream before(shown);
    // A line without an end was cut by a full disk: it may hold only the first digits of a number.
    for (std::string line; std::getline(before, line) && !before.eof();) {
      const auto number = std::strtoull(line.c_str(), nullptr, 10);
      if (number > 0 && number <= list_.size()) shown_before_[number - 1] = true;
    }
    shown_.open(shown, std::ios::app);  // on another host the folder does not exist: then outputs are shown again
  }
  open(joblog_, options_.joblog);
  if (joblog_.is_open()) {
    joblog_ << "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
    check(joblog_, options_.joblog);
  }
  open(failed_, options_.failed);
}

void Report::write_joblog(const Record& record) {
  char times[96];
  std::snprintf(times, sizeof times, "%.3f\t%10.3f", record.start, record.seconds);
  joblog_ << record.number << '\t' << record.host << '\t' << times << "\t0\t" << record.place.out_bytes << '\t'
          << record.exit << '\t' << record.signal << '\t' << in_joblog(list_.text(record.number)) << '\n';
  check(joblog_, options_.joblog);
}

void Report::take(const Record& record, const std::string& error, Output& out) {
  if (record.number == 0 || record.number > list_.size() || seen_[record.number - 1]) return;
  seen_[record.number - 1] = true;
  if (joblog_.is_open()) write_joblog(record);
  if (!options_.results.empty()) write_results(record);
  if (failed_.is_open() && !error.empty()) {
    failed_ << as_line(list_.text(record.number)) << '\n';
    check(failed_, options_.failed);
  }
  if (options_.unordered) {
    tell(record, out);
    return;
  }
  if (record.number != next_) {
    pack(record, names_, waiting_[record.number]);
    return;
  }
  tell(record, out);
  for (++next_; !waiting_.empty() && waiting_.begin()->first == next_; ++next_) tell_first_waiting(out);
}

void Report::tell_first_waiting(Output& out) {
  std::string_view packed = waiting_.begin()->second;
  tell(unpack(packed, names_), out);
  waiting_.erase(waiting_.begin());
}

void Report::tell_waiting(Output& out) {
  while (!waiting_.empty()) tell_first_waiting(out);
}

// The tree of GNU parallel's --results: FOLDER/1/VALUE/2/VALUE/{seq,stdout,stderr}.
void Report::write_results(const Record& record) {
  std::filesystem::path folder = options_.results;
  auto values = list_.values(record.number);
  if (values.empty()) values.emplace_back(list_.text(record.number));
  for (std::size_t i = 0; i < values.size(); ++i)
    folder = folder / std::to_string(i + 1) / file_name(values[i], record.number);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw BadInput("cannot make " + folder.string() + ": " + error.message());
  auto write = [&](const char* name, auto fill) {
    std::ofstream file;
    open(file, folder / name);
    fill(file);
    check(file, folder / name);
  };
  write("seq", [&](auto& file) { file << record.number; });
  std::uint64_t missing = 0;
  write("stdout", [&](auto& file) { missing += show_output(record, false, "", file); });
  write("stderr", [&](auto& file) { missing += show_output(record, true, "", file); });
  if (missing > 0 && record.host == here_) note_loss(record, no_longer_there);
}

void Report::note_loss(const Record& record, const char* how) {
  auto& numbers = lost_[how];
  if (numbers.empty() || numbers.back() != record.number) numbers.push_back(record.number);
}

void Report::refuse_losses() const {
  if (lost_.empty()) return;
  std::string what;
  std::size_t count = 0;
  for (const auto& [how, lost] : lost_) {
    what += (what.empty() ? "the output of command" : ", and of command") + std::string(lost.size() == 1 ? " " : "s ");
    for (std::size_t i = 0; i < lost.size() && i < 5; ++i) what += (i > 0 ? ", " : "") + std::to_string(lost[i]);
    if (lost.size() > 5) what += " and " + std::to_string(lost.size() - 5) + " more";
    what += " was kept in " + store_.string() + " and is " + how;
    count += lost.size();
  }
  throw DataLost(what + "; to have it, run " + (count == 1 ? "it" : "them") +
                 " again from a list of their own, or all with --fresh");
}

// Shows the whole output if it is here, else the part that came with the record. Returns the number of bytes missing;
// notes damage.
std::uint64_t Report::show_output(const Record& record, bool errors, const std::string& tag, std::ostream& to) {
  const auto suffix = errors ? ".err" : ".out";
  const auto whole = errors ? record.place.err() : record.place.out();
  auto shown = show((store_ / record.place.log).string() + suffix, whole, tag, to);
  std::uint64_t bytes = whole.bytes;
  if (shown == Shown::missing) {
    const auto& carried = errors ? record.carried.err : record.carried.out;
    if (!carried.empty()) {
      show(carried, tag, to);
      return whole.bytes - carried.size();
    }
    const auto copied = errors ? record.copy.err() : record.copy.out();
    shown = show((store_ / record.copy.log).string() + suffix, copied, tag, to);
    bytes = copied.bytes;
  }
  if (shown == Shown::damaged) note_loss(record, "damaged there: it is not shown");
  return shown == Shown::missing ? whole.bytes : whole.bytes - bytes;
}

void Report::settle(Output& out) {
  if (shown_now_.empty()) return;
  out.text().flush();
  if (shown_.is_open()) shown_ << shown_now_ << std::flush;
  shown_now_.clear();
}

void Report::tell(const Record& record, Output& out) {
  if (shown_before_[record.number - 1] || (options_.only != 0 && options_.only != record.number)) return;
  told_any_ = true;
  shown_now_ += std::to_string(record.number) + '\n';
  std::string tag;
  if (options_.tag) {
    for (const auto& value : list_.values(record.number)) tag += (tag.empty() ? "" : " ") + value;
    if (tag.empty()) tag = list_.text(record.number);
  }
  std::uint64_t bytes = 0, missing = 0;
  if (!options_.only_stderr) {
    bytes += record.place.out_bytes;
    missing += show_output(record, false, tag, out.text());
  }
  if (options_.only == 0 || options_.only_stderr) {
    bytes += record.place.err_bytes;
    missing += show_output(record, true, tag, options_.only_stderr ? out.text() : out.errors());
  }
  if (missing > 0 && record.host == here_) {
    note_loss(record, no_longer_there);
  } else if (missing > 0) {
    const auto log = (store_ / record.place.log).string();
    std::cerr << "stint: " << (missing < bytes ? std::to_string(missing) + " bytes of the output" : "the output")
              << " of command " << record.number << (missing < bytes ? " are" : " is") << " not here: "
              << (missing < bytes ? "all of it" : "it") << " lies on " << record.host << " in " << log << ".out, from byte "
              << record.place.out_at << ", and .err, from byte " << record.place.err_at << '\n';
  }
}

}  // namespace stint::commands
