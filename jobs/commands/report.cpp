// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <stint/error.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

namespace stint::commands {
namespace {

void open(std::ofstream& file, const std::string& path) {
  if (path.empty()) return;
  file.open(path, std::ios::binary | std::ios::trunc);
  if (!file) throw BadInput("cannot write " + path + ": " + std::strerror(errno));
}

// As GNU parallel names a folder after a value; but never another folder, and short enough for a file system.
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

// A command on one line of a list: most are; one that would not be read back as it is, is spelled in octal.
std::string as_line(const std::string& command) {
  const auto first = command.find_first_not_of(" \t");
  const bool plain =
      command.find('\n') == command.npos && !command.ends_with('\r') && first != command.npos && command[first] != '#';
  if (plain) return command;
  std::string line = "eval \"$(printf %b '";
  for (unsigned char c : command) {
    char code[8];
    std::snprintf(code, sizeof code, "\\0%03o", c);
    line += code;
  }
  return line + "')\"";
}

void check(const std::ofstream& file, const std::string& path) {
  if (!path.empty() && !file) throw BadInput("cannot write " + path + ": " + std::strerror(errno));
}

}  // namespace

std::string in_joblog(std::string command) {
  std::ranges::replace(command, '\n', '\0');
  return command;
}

std::string text_of(const Record& record) {
  return nlohmann::json{{"number", record.number},
                        {"exit", record.exit},
                        {"signal", record.signal},
                        {"start", record.start},
                        {"seconds", record.seconds},
                        {"host", record.host},
                        {"log", record.place.log},
                        {"out_at", record.place.out_at},
                        {"out_bytes", record.place.out_bytes},
                        {"err_at", record.place.err_at},
                        {"err_bytes", record.place.err_bytes}}
      .dump();
}

Record record_of(const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  Record record;
  json.at("number").get_to(record.number);
  json.at("exit").get_to(record.exit);
  json.at("signal").get_to(record.signal);
  json.at("start").get_to(record.start);
  json.at("seconds").get_to(record.seconds);
  json.at("host").get_to(record.host);
  json.at("log").get_to(record.place.log);
  json.at("out_at").get_to(record.place.out_at);
  json.at("out_bytes").get_to(record.place.out_bytes);
  json.at("err_at").get_to(record.place.err_at);
  json.at("err_bytes").get_to(record.place.err_bytes);
  return record;
}

Report::Report(ReportOptions options, std::vector<Names> names, std::filesystem::path store,
               const std::filesystem::path& shown)
    : options_(std::move(options)),
      names_(std::move(names)),
      store_(std::move(store)),
      seen_(names_.size(), false),
      shown_before_(names_.size(), false) {
  if (!shown.empty()) {
    std::ifstream before(shown);
    for (std::uint64_t number = 0; before >> number;) {
      if (number > 0 && number <= names_.size()) shown_before_[number - 1] = true;
    }
    shown_.open(shown, std::ios::app);  // on another host there is no such folder: then outputs are shown again
  }
  open(joblog_, options_.joblog);
  if (joblog_.is_open())
    joblog_ << "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n" << std::flush;
  open(failed_, options_.failed);
}

void Report::write_joblog(const Record& record) {
  char times[96];
  std::snprintf(times, sizeof times, "%.3f\t%10.3f", record.start, record.seconds);
  joblog_ << record.number << '\t' << record.host << '\t' << times << "\t0\t" << record.place.out_bytes << '\t'
          << record.exit << '\t' << record.signal << '\t' << in_joblog(*names_[record.number - 1].text) << '\n'
          << std::flush;
  check(joblog_, options_.joblog);
}

void Report::take(const Record& record, const std::string& error, std::ostream& out) {
  if (record.number == 0 || record.number > names_.size() || seen_[record.number - 1]) return;
  seen_[record.number - 1] = true;
  if (joblog_.is_open()) write_joblog(record);
  if (!options_.results.empty()) write_results(record);
  if (failed_.is_open() && !error.empty()) {
    failed_ << as_line(*names_[record.number - 1].text) << '\n' << std::flush;
    check(failed_, options_.failed);
  }
  if (options_.unordered) {
    tell(record, out);
    return;
  }
  waiting_.emplace(record.number, record);
  for (auto first = waiting_.begin(); first != waiting_.end() && first->first == next_; first = waiting_.begin()) {
    tell(first->second, out);
    waiting_.erase(first);
    ++next_;
  }
}

void Report::tell_waiting(std::ostream& out) {
  for (const auto& [number, record] : waiting_) tell(record, out);
  waiting_.clear();
}

// The tree of GNU parallel's --results: FOLDER/1/VALUE/2/VALUE/{seq,stdout,stderr}.
void Report::write_results(const Record& record) {
  const auto& names = names_[record.number - 1];
  std::filesystem::path folder = options_.results;
  const auto values = names.values->empty() ? std::vector<std::string>{*names.text} : *names.values;
  for (std::size_t i = 0; i < values.size(); ++i)
    folder = folder / std::to_string(i + 1) / file_name(values[i], record.number);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw BadInput("cannot make " + folder.string() + ": " + error.message());
  const auto log = (store_ / record.place.log).string();
  auto write = [&](const char* name, auto fill) {
    std::ofstream file;
    open(file, folder / name);
    fill(file);
    check(file, folder / name);
  };
  write("seq", [&](auto& file) { file << record.number; });
  write("stdout", [&](auto& file) { show(log + ".out", record.place.out_at, record.place.out_bytes, "", file); });
  write("stderr", [&](auto& file) { show(log + ".err", record.place.err_at, record.place.err_bytes, "", file); });
}

void Report::settle(std::ostream& out) {
  if (shown_now_.empty()) return;
  out.flush();
  if (shown_.is_open()) shown_ << shown_now_ << std::flush;
  shown_now_.clear();
}

void Report::tell(const Record& record, std::ostream& out) {
  if (shown_before_[record.number - 1] || (options_.only != 0 && options_.only != record.number)) return;
  told_any_ = true;
  shown_now_ += std::to_string(record.number) + '\n';
  const auto& names = names_[record.number - 1];
  std::string tag;
  for (const auto& value : *names.values) tag += (tag.empty() ? "" : " ") + value;
  if (tag.empty()) tag = *names.text;
  if (!options_.tag) tag = "";
  const auto log = (store_ / record.place.log).string();
  bool there = true;
  if (options_.only_stderr) {
    there = show(log + ".err", record.place.err_at, record.place.err_bytes, tag, out);
  } else {
    there = show(log + ".out", record.place.out_at, record.place.out_bytes, tag, out);
    if (options_.only == 0)
      there = show(log + ".err", record.place.err_at, record.place.err_bytes, tag, std::cerr) && there;
  }
  if (!there) {
    std::cerr << "stint: the output of command " << record.number << " is not here: it lies on " << record.host
              << " in " << log << ".out and .err\n";
  }
}

}  // namespace stint::commands
