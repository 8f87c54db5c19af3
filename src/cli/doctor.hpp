// SPDX-License-Identifier: Apache-2.0
// `stint doctor`: what this machine and this blackboard would do to a run, one line a check, and what to change. It
// looks and tries, and changes nothing: no server is started; the folder for the data is made when it is not there.
#pragma once

#include "redis/address.hpp"

#include <optional>

namespace stint {

/// `given`: the blackboard that the user named; none: the embedded one. Returns 0 when nothing is bad, 3 when the
/// blackboard cannot be used, else 2.
int doctor(const std::optional<redis::Address>& given, bool json);

/// What doctor starts under mpirun: says on stdout which rank this is and how many cores it may use. With `lose`, rank
/// 0 then kills itself, and rank 1 says that it went on.
int doctor_rank(bool lose);

}  // namespace stint
