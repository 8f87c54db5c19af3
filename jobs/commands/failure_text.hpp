// SPDX-License-Identifier: Apache-2.0
// A command that has ended, as its user is told: by its number in the list, what it was, how it ended, what it said.
#pragma once

#include "command_list.hpp"
#include "record.hpp"

#include <stint/error.hpp>

#include <filesystem>

namespace stint::commands {

/// `store`: where the logs of the run lie. The rows: command, exit, time, host, stderr (its end; of another host, what came
/// with the record).
FailureText failure_text(const CommandList& list, const FailedChunk& failed, const std::filesystem::path& store);

/// The same rows of a command that ended well; none: `records` lack it.
TextRows done_rows(const CommandList& list, std::uint64_t chunk, const Records& records, const std::filesystem::path& store);

}  // namespace stint::commands
