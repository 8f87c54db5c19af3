// SPDX-License-Identifier: Apache-2.0
// A file beside the blackboard's data that names the append-only file that has held something: `data.mark` in the home. Data
// that have vanished, or a file of no bytes, look to Redis like a first start, and all runs would be gone without a word.
// It is written when the bytes that it speaks of are on the disk, so that no crash of the machine makes it wrong. A rewrite
// by Redis leaves an empty file with another name, which is no loss.
#pragma once

#include <filesystem>

namespace stint {

std::filesystem::path data_mark(const std::filesystem::path& home);

/// Throws Error(damaged) if the data in `home` have lost all that the mark says they held. A home without a mark is new.
void check_data_mark(const std::filesystem::path& home);

/// Makes the mark, or names the file that a rewrite has begun, once that holds something. Called by the guardian, which has the lease; a full disk is no error.
void write_data_mark(const std::filesystem::path& home) noexcept;

}  // namespace stint
