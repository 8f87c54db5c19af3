// SPDX-License-Identifier: Apache-2.0
// How commands ended: a Record is for one command, and Records hold many in some forty bytes each. Partials of the job are
// Records (commands.hpp); the leader also keeps packed records of commands that wait for their turn to be shown (report.hpp).
#pragma once

#include "output_log.hpp"

#include <stint/archive.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stint::commands {

/// How a command ended, where and when.
struct Record {
  std::uint64_t number = 0;  ///< in the list, from 1
  std::int32_t exit = 0;     ///< exit code; -1: it timed out
  std::int32_t signal = 0;
  double start = 0;  ///< seconds since the epoch
  double seconds = 0;
  std::string host;
  Place place;      ///< of the whole output, in the store of its host
  Carried carried;  ///< if that store may not be the leader's: output for the leader to put into its own store
  Place copy;       ///< the place of that output in the leader's store
  std::string said = {};  ///< of a failed command: the last line of its standard error; only in the record's text
};

/// A record as the text (UTF-8 for any output) that is kept with a failed chunk. `record_of`, the inverse, throws
/// std::exception for another text.
std::string text_of(const Record& record);
Record record_of(const std::string& text);
/// The record in the text kept with a failed chunk; none: it is damaged, or there is none, as after the death of a rank.
std::optional<Record> record_in(const std::string& detail);

/// Numbers for hosts and logs, of which there are few.
class Names {
 public:
  std::uint64_t number_of(const std::string& name);
  /// Throws std::runtime_error for a number that is not in use.
  [[nodiscard]] const std::string& operator[](std::uint64_t number) const;
  [[nodiscard]] bool begin_with(const Names& others) const;

  template <class Archive>
  void save(Archive& archive, unsigned) const {
    archive << names_;
  }
  template <class Archive>
  void load(Archive& archive, unsigned) {
    archive >> names_;
    numbers_.clear();
    for (const auto& name : names_) {
      if (!numbers_.emplace(name, numbers_.size()).second) throw std::runtime_error("a name that is there twice");
    }
  }
  BOOST_SERIALIZATION_SPLIT_MEMBER()

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::uint64_t> numbers_;
};

/// `pack` appends a record as bytes, its times to the microsecond. `unpack` removes the first record from bytes and returns
/// it; throws std::runtime_error for other bytes.
void pack(const Record& record, Names& names, std::string& to);
Record unpack(std::string_view& from, const Names& names);

class Records {
 public:
  Records() = default;
  explicit Records(const Record& record) { add(record); }
  void add(const Record& record);
  void add(Records others);
  /// The bytes of output that the records carry.
  [[nodiscard]] std::uint64_t carried() const { return carried_; }
  /// Calls `use(record)` for each, in the order in which they were added.
  template <class Use>
  void each(Use use) const {
    for (std::string_view rest = packed_; !rest.empty();) use(unpack(rest, names_));
  }
  /// Calls `change(record)` for each record, which may change it.
  template <class Change>
  void change(Change change) {
    Records changed;
    each([&](Record record) {
      change(record);
      changed.add(record);
    });
    *this = std::move(changed);
  }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& names_& packed_& carried_;
    if constexpr (Archive::is_loading::value) check();
  }

 private:
  void check() const;  // throws std::runtime_error unless each can be read, so that their users need not check

  Names names_;
  std::string packed_;
  std::uint64_t carried_ = 0;
};

}  // namespace stint::commands
