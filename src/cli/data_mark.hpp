// SPDX-License-Identifier: Apache-2.0
// A file beside the blackboard's data that names an append-only file that was not empty: `data.mark` in the home. To Redis,
// vanished data, or a file of no bytes, look like a first start, and all runs would be lost without an error.
// The mark is written when its bytes are on the disk, so that no crash of the machine makes it wrong. A rewrite
// by Redis leaves an empty file with another name, which is not a loss.
#pragma once

#include <filesystem>

namespace stint {

std::filesystem::path data_mark(const std::filesystem::path& home);

/// Throws Error(damaged) if the data in `home` have lost all that the mark says they had. A home without a mark is new.
void check_data_mark(const std::filesystem::path& home);

/// Makes the mark, or updates it to the file that a rewrite has begun, once that file is not empty. Called by the guardian,
/// which has the lease. Ignores a full disk.
void write_data_mark(const std::filesystem::path& home) noexcept;

}  // namespace stint
