// SPDX-License-Identifier: Apache-2.0
// Stint's folders: where the embedded blackboard keeps its data, and where its socket is. Made here, for the user alone
// (mode 700).
#pragma once

#include <filesystem>
#include <string>

namespace stint {

/// $STINT_HOME, else $XDG_STATE_HOME/stint, else ~/.local/state/stint; absolute. Made if it is not there.
/// Throws Error(usage) when it cannot be used.
std::filesystem::path home_folder();
/// The same, but not made; empty: none of the variables is set.
std::filesystem::path home_path();

/// Where files are kept with a run (Context::store_dir); not made here.
std::filesystem::path store_folder(const std::string& run);

/// Path of the socket of the blackboard whose data is in `home`: short, since a socket's path has at most 107 bytes.
/// Its folder is made; throws Error(usage) when that belongs to somebody else.
std::filesystem::path socket_path(const std::filesystem::path& home);

}  // namespace stint
