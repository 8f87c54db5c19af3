// SPDX-License-Identifier: Apache-2.0
// Files and folders that the user alone may read (modes 600 and 700, whatever the umask), for secrets and what holds one.
// They lie in $STINT_HOME, which several hosts may share; a reader sees an old text or a new one, never half of it. What
// another user made, or could change, is refused: he would be sent our commands, or send us his. No link is followed.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace stint {

/// Replaces the file. Throws Error(board).
void write_private(const std::filesystem::path& file, std::string_view text);

/// Makes the file unless it is there, and returns its first line, whichever process made it. Throws Error(board), and
/// as private_line.
std::string made_once(const std::filesystem::path& file, std::string_view text);

/// The first line of a file of ours; empty: there is none. Throws Error(usage) unless it is a regular file that is the
/// user's and that nobody else may read or write.
std::string private_line(const std::filesystem::path& file);

/// The first line of any file; empty: there is none, or it cannot be read.
std::string line_of(const std::filesystem::path& file);

/// Makes the folder, or takes the one that is there. Throws Error(usage) where it cannot be made, or as check_private.
void make_private_folder(const std::filesystem::path& folder);

/// Throws Error(usage) unless it is a folder, and the user's, and nobody else may write to it; `advice`: what to do.
void check_private(const std::filesystem::path& folder, const std::string& advice);

/// Throws Error(usage) where another program, which follows links, would write to what is not a file of the user's.
void check_own_file(const std::filesystem::path& file);

/// "user ada (1000)", of a file's owner.
std::string shown_user(unsigned int user);

/// 128 bits from the kernel, as 32 hexadecimal digits.
std::string random_secret();

}  // namespace stint
