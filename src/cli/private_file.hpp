// SPDX-License-Identifier: Apache-2.0
// Files that the user alone may read (mode 600), for secrets and what holds one. They lie in $STINT_HOME, which several
// hosts may share; a reader sees an old text or a new one, never half of it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace stint {

/// Replaces the file. Throws Error(board).
void write_private(const std::filesystem::path& file, std::string_view text);

/// Makes the file unless it is there, and returns its text, whoever made it. Throws Error(board).
std::string made_once(const std::filesystem::path& file, std::string_view text);

/// The first line of a file; empty: there is none, or it cannot be read.
std::string line_of(const std::filesystem::path& file);

/// 128 bits from the kernel, as 32 hexadecimal digits.
std::string random_secret();

}  // namespace stint
