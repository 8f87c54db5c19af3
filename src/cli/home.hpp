// SPDX-License-Identifier: Apache-2.0
// Stint's folders: for the data of the embedded blackboard, and for its socket. Created here, for the user alone
// (mode 700).
#pragma once

#include <filesystem>
#include <string>

namespace stint {

/// $STINT_HOME, else $XDG_STATE_HOME/stint, else ~/.local/state/stint; absolute, without links: one spelling for one
/// folder. Created if missing. Throws Error(usage) if it cannot be used: another user must neither own it nor write to it.
std::filesystem::path home_folder();
/// Whether the folder exists. Throws Error(usage), with the folder in the way, if that cannot be determined.
bool home_is_there(const std::filesystem::path& home);
/// As home_folder, but neither created nor checked; empty: none of the variables is set, and the user has no home folder.
std::filesystem::path home_path();

/// The folder for files that are kept with a run (Context::store_dir); not created here. Throws Error(usage) if it is a link:
/// two homes would write, and remove, the same files.
std::filesystem::path store_folder(const std::string& run);
std::filesystem::path store_folder(const std::filesystem::path& home, const std::string& run);

/// The path of a blackboard's socket on this host, by the home of its data: short, since a socket's path has at
/// most 107 bytes. Depends on $XDG_RUNTIME_DIR, and on whether that exists: data_lock.hpp has the actual place.
std::filesystem::path socket_path(const std::filesystem::path& home);
/// The same, and creates the folder; throws Error(usage) if it belongs to another user.
std::filesystem::path make_socket_path(const std::filesystem::path& home);

}  // namespace stint
