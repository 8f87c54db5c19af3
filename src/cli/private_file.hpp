// SPDX-License-Identifier: Apache-2.0
// Files and folders that only the user may read (modes 600 and 700, whatever the umask), for secrets and what holds one.
// They are in $STINT_HOME, which several hosts may share; a reader sees an old text or a new one, never half of it. A file
// that another user made or could change is refused: that user could get Stint's commands, or inject some. No link is followed.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace stint {

/// Replaces the file. Throws Error(board).
void write_private(const std::filesystem::path& file, std::string_view text);

/// Creates the file unless it exists, and returns its first line, whichever process made it. Throws Error(board), and
/// as private_line.
std::string made_once(const std::filesystem::path& file, std::string_view text);

/// The first line of one of Stint's files; empty: there is none. Throws Error(usage) unless it is a regular file of the
/// user that no other user may read or write.
std::string private_line(const std::filesystem::path& file);

/// The first line of any file; empty: there is none, or it cannot be read.
std::string line_of(const std::filesystem::path& file);

/// Creates the folder, or accepts an existing one. Throws Error(usage) if it cannot be created, or as check_private.
void make_private_folder(const std::filesystem::path& folder);

/// Throws Error(usage) unless it is a folder of the user that no other user may write to; `advice`: what to do.
void check_private(const std::filesystem::path& folder, const std::string& advice);

/// Throws Error(usage) if another program, which follows links, would write to something else than a file of the user.
void check_own_file(const std::filesystem::path& file);

/// "user ada (1000)", of a file's owner.
std::string shown_user(unsigned int user);

/// 128 bits from the kernel, as 32 hexadecimal digits.
std::string random_secret();

}  // namespace stint
