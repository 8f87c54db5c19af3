// SPDX-License-Identifier: Apache-2.0
// What a job throws when the input itself is wrong.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace stint {

/// The input is wrong, and computing again would not help: ends the run with exit code 2 and one line.
/// Every other exception from `compute` is one failed attempt at that chunk.
class BadInput : public std::runtime_error {
 public:
  /// `offset`: bytes from the beginning of `file`; `what`: what is wrong there.
  BadInput(const std::string& file, std::uint64_t offset, const std::string& what)
      : std::runtime_error(file + ", byte " + std::to_string(offset) + ": " + what) {}
  explicit BadInput(const std::string& what) : std::runtime_error(what) {}
};

}  // namespace stint
