// SPDX-License-Identifier: Apache-2.0
#include "expected_times.hpp"

#include <stint/error.hpp>
#include <stint/options.hpp>

#include <sstream>
#include <stdexcept>

namespace stint::commands {
namespace {

constexpr double longest_time = 1e9;  // seconds

}  // namespace

std::map<std::string, double> times_of_joblog(const std::string& text, const std::string& path) {
  std::map<std::string, double> times;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    number += 1;
    std::size_t at = 0;
    std::string seconds;
    for (int column = 0; column < 8 && at != line.npos; ++column) {
      const auto tab = line.find('\t', at);
      if (column == 3) seconds = line.substr(at, tab - at);
      at = tab == line.npos ? tab : tab + 1;
    }
    if (line.starts_with("Seq\t")) continue;
    if (at == line.npos) {
      if (lines.eof() && number > 1) break;  // a run that was killed may leave the last line unfinished
      throw BadInput("--expect " + path + " is not a job log: line " + std::to_string(number) +
                     " has not its columns, as 'Seq Host Starttime JobRuntime …'; give a file that --joblog has written");
    }
    seconds.erase(0, seconds.find_first_not_of(' '));  // GNU parallel aligns them
    double time = -1;
    try {
      time = parse_number(seconds);
    } catch (const std::invalid_argument&) {  // the throw below reports it
    }
    if (!(time >= 0 && time <= longest_time)) {
      throw BadInput("--expect " + path + ", line " + std::to_string(number) + ": the JobRuntime '" + seconds +
                     "' is no number of seconds from 0 to 1e9; mend the line, or take it out");
    }
    times[line.substr(at)] = time;
  }
  if (number == 0) throw BadInput("--expect " + path + " is not a job log: it is empty; give a file that --joblog has written");
  return times;
}

}  // namespace stint::commands
