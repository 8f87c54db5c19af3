// SPDX-License-Identifier: Apache-2.0
// `stint doctor`: checks how this machine and this blackboard would affect a run, one line a check, and advises. It
// tries things instead of guessing, and changes nothing: it starts no server; it creates only a missing data folder.
#pragma once

#include "redis/address.hpp"

#include <optional>

namespace stint {

/// `given`: the blackboard that the user named; none: the embedded one. Returns 0 if no check is bad, 3 if the
/// blackboard cannot be used, else 2.
int doctor(const std::optional<redis::Address>& given, bool json);

/// The program that doctor starts under mpirun: prints its rank and the number of cores it may use. With `lose`, rank
/// 0 then kills itself, and rank 1 prints that it went on.
int doctor_rank(bool lose);

}  // namespace stint
