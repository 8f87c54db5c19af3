// SPDX-License-Identifier: Apache-2.0
// A command that failed, as its user is told: by its number in the list, what it was, how it ended, what it said.
#pragma once

#include "command_list.hpp"

#include <stint/error.hpp>

#include <filesystem>

namespace stint::commands {

/// `store`: where the logs of the run lie. The rows: command, exit, time, host, stderr (its end; of another host, what came
/// with the record).
FailureText failure_text(const CommandList& list, const FailedChunk& failed, const std::filesystem::path& store);

}  // namespace stint::commands
