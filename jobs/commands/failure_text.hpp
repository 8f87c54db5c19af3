// SPDX-License-Identifier: Apache-2.0
// The text for the user about a command that has ended: its number in the list, the command, how it ended, its last words.
#pragma once

#include "command_list.hpp"
#include "record.hpp"

#include <stint/error.hpp>

#include <filesystem>

namespace stint::commands {

/// `store`: the folder with the logs of the run. The rows: command, exit, time, host, stderr (its end; from another host, what
/// came with the record).
FailureText failure_text(const CommandList& list, const FailedChunk& failed, const std::filesystem::path& store);

/// The same rows for a command that succeeded; empty if `records` do not have it.
TextRows done_rows(const CommandList& list, std::uint64_t chunk, const Records& records, const std::filesystem::path& store);

}  // namespace stint::commands
