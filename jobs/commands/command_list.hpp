// SPDX-License-Identifier: Apache-2.0
// The plan of the job `commands`: what to run, in which order, and how it ended if an older list has had it. Of a
// command it keeps the text and its values one behind the other in one string, so that it takes little more memory than
// the file that it was read from.
#pragma once

#include "record.hpp"

#include <stint/archive.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stint::commands {

/// How a command ended when an older list was run.
struct Earlier {
  Record record;
  std::string error;  ///< it failed
};

struct Command {
  std::uint64_t number = 0;         ///< in the list, from 1
  std::string text;                 ///< as it is given to the shell
  std::vector<std::string> values;  ///< that it was made with; none: it stood in the list as it is
  std::optional<Earlier> earlier;
};

class CommandList {
 public:
  /// Behind the others. No NUL byte in either.
  void add(std::string_view text, const std::vector<std::string>& values);
  /// How the command of this number ended before; the last that is said counts.
  void add_earlier(std::uint64_t number, const Earlier& earlier);
  /// `numbers`: the order in which the commands are to begin. `seconds`: expected of each, in that order; none: not known.
  void begin_in(std::vector<std::uint64_t> numbers, std::vector<double> seconds);

  [[nodiscard]] std::uint64_t size() const { return begins_.size(); }  ///< commands, and chunks
  [[nodiscard]] Command operator[](std::uint64_t chunk) const;
  [[nodiscard]] const std::vector<double>& weights() const { return seconds_; }
  /// Whether its parts fit together, so that everything that they say may be looked up.
  [[nodiscard]] bool sound() const;
  /// Number of the command that is this chunk. Throws std::out_of_range.
  [[nodiscard]] std::uint64_t number_of(std::uint64_t chunk) const;
  /// And back.
  [[nodiscard]] std::uint64_t chunk_of(std::uint64_t number) const;
  /// By number. Valid as long as nothing is added.
  [[nodiscard]] std::string_view text(std::uint64_t number) const;
  [[nodiscard]] std::vector<std::string> values(std::uint64_t number) const;
  [[nodiscard]] std::optional<Earlier> earlier(std::uint64_t number) const;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& bytes_& begins_& order_& seconds_& names_& earlier_;
  }

 private:
  struct PackedEarlier {
    std::string record, error;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
      archive& record& error;
    }
  };
  [[nodiscard]] std::string_view bytes(std::uint64_t number) const;
  [[nodiscard]] bool is_record(std::string_view packed) const;

  std::string bytes_;                  // of each command its text and its values, a NUL byte behind each
  std::vector<std::uint64_t> begins_;  // there, by number - 1
  std::vector<std::uint64_t> order_;   // chunk → number; empty: that of the list
  std::vector<double> seconds_;        // by chunk
  Names names_;                        // of the records
  std::map<std::uint64_t, PackedEarlier> earlier_;  // by number
};

}  // namespace stint::commands
