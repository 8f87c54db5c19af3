// SPDX-License-Identifier: Apache-2.0
// Stint's folders: where the embedded blackboard keeps its data, and where its socket is. Made here, for the user alone
// (mode 700).
#pragma once

#include <filesystem>
#include <string>

namespace stint {

/// $STINT_HOME, else $XDG_STATE_HOME/stint, else ~/.local/state/stint; absolute, without links: one spelling for one
/// folder. Made if it is not there. Throws Error(usage) when it cannot be used: nobody else may own it or write to it.
std::filesystem::path home_folder();
/// Whether the folder is there. Throws Error(usage), with the folder that is in the way, where this cannot be seen.
bool home_is_there(const std::filesystem::path& home);
/// As home_folder, but neither made nor looked at; empty: none of the variables is set, and the user has no home folder.
std::filesystem::path home_path();

/// Where files are kept with a run (Context::store_dir); not made here. Throws Error(usage) where that is a link: two homes
/// would write, and remove, the same files.
std::filesystem::path store_folder(const std::string& run);
std::filesystem::path store_folder(const std::filesystem::path& home, const std::string& run);

/// Where a socket of the blackboard whose data is in `home` belongs on this host: a short path, since a socket's has at
/// most 107 bytes. It depends on $XDG_RUNTIME_DIR, and on whether that is there: see data_lock.hpp for where it is.
std::filesystem::path socket_path(const std::filesystem::path& home);
/// The same, and makes the folder; throws Error(usage) when that belongs to somebody else.
std::filesystem::path make_socket_path(const std::filesystem::path& home);

}  // namespace stint
