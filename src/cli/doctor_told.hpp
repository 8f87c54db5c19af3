// SPDX-License-Identifier: Apache-2.0
// The answers of a Redis to INFO and CONFIG GET, and doctor's checks of them. A managed Redis may refuse CONFIG,
// or omit lines of INFO: a missing answer is shown as 'not told', and is ok.
#pragma once

#include "cli/doctor_checks.hpp"
#include "redis/connection.hpp"

#include <map>
#include <string>

namespace stint {

class Told {
 public:
  /// Asks the server. Throws redis::Lost; redis::Refused if INFO is refused, which a run also needs.
  explicit Told(redis::Connection& connection);

  /// A line of INFO or a setting; "" if the server did not report it.
  [[nodiscard]] std::string operator[](const char* name) const;
  [[nodiscard]] long long number(const char* name) const;  ///< 0 if the server did not report it

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
