// SPDX-License-Identifier: Apache-2.0
// The plan of the job `commands`: the commands, their order, and how they ended if an older list contained them. The
// text and the values of each command are in one string, one after the other, so that the list takes little more memory
// than the file that it was read from.
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

/// How a command ended in the run of an older list.
struct Earlier {
  Record record;
  std::string error;  ///< empty: it succeeded
};

struct Command {
  std::uint64_t number = 0;         ///< in the list, from 1
  std::string text;                 ///< for the shell
  std::vector<std::string> values;  ///< of its template; empty: it was in the list as it is
  std::optional<Earlier> earlier;
};

class CommandList {
 public:
  /// Appends a command. No NUL byte in either.
  void add(std::string_view text, const std::vector<std::string>& values);
  /// Sets how the command of this number ended before; a later call replaces an earlier one.
  void add_earlier(std::uint64_t number, const Earlier& earlier);
  /// `numbers`: the order in which the commands are to start. `seconds`: expected for each, in that order; empty: not known.
  void begin_in(std::vector<std::uint64_t> numbers, std::vector<double> seconds);

  [[nodiscard]] std::uint64_t size() const { return begins_.size(); }  ///< number of commands, and of chunks
  [[nodiscard]] Command operator[](std::uint64_t chunk) const;
  [[nodiscard]] const std::vector<double>& weights() const { return seconds_; }
  /// Whether its parts fit together, so that every look-up is safe.
  [[nodiscard]] bool sound() const;
  /// The number of the command of this chunk. Throws std::out_of_range.
  [[nodiscard]] std::uint64_t number_of(std::uint64_t chunk) const;
  /// The chunk of the command of this number. Throws std::out_of_range.
  [[nodiscard]] std::uint64_t chunk_of(std::uint64_t number) const;
  /// By number. Valid until a command is added.
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

  std::string bytes_;                  // of each command its text and its values, a NUL byte after each
  std::vector<std::uint64_t> begins_;  // in bytes_, by number - 1
  std::vector<std::uint64_t> order_;   // chunk → number; empty: the order of the list
  std::vector<double> seconds_;        // expected, by chunk
  Names names_;                        // of the records
  std::map<std::uint64_t, PackedEarlier> earlier_;  // by number
};

}  // namespace stint::commands
