// SPDX-License-Identifier: Apache-2.0
// What a Redis tells of itself by INFO and CONFIG GET, and what doctor thinks of it. A managed Redis may refuse CONFIG,
// or leave lines of INFO out: what it does not tell is said to be 'not told', and is ok.
#pragma once

#include "cli/doctor_checks.hpp"
#include "redis/connection.hpp"

#include <map>
#include <string>

namespace stint {

class Told {
 public:
  /// Asks. Throws redis::Lost; redis::Refused when INFO is refused, which a run needs, too.
  explicit Told(redis::Connection& connection);

  /// A line of INFO or a setting; "": not told.
  [[nodiscard]] std::string operator[](const char* name) const;
  [[nodiscard]] long long number(const char* name) const;  ///< 0: not told

 private:
  std::map<std::string, std::string> told_;
};

Check role_check(const Told& told);
Check persistence_check(const Told& told);
Check last_write_check(const Told& told);
Check eviction_check(const Told& told);
Check board_memory_check(const Told& told);
Check clients_check(const Told& told);
Check busy_check(const Told& told);

}  // namespace stint
