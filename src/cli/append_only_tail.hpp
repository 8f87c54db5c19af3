// SPDX-License-Identifier: Apache-2.0
// A flaw of Redis 7.0 that would break the one promise that everything rests on, that a script is in the append-only
// file whole or not at all. When the file ends inside EXEC, Redis cuts it back to the last whole command, which leaves
// the beginning of the transaction in the file; what comes later is appended to it, and at the next restart both are
// read as one: a script that was lost comes back to life between others. So the guardian cuts off such a beginning
// itself, before it starts the server.
#pragma once

#include <cstdint>
#include <filesystem>

namespace stint {

/// Looks at the last file named by the manifest in `folder` (appendonlydir), and cuts it before a MULTI without its
/// EXEC at its end. Returns the bytes cut; 0 where there is nothing to mend, or what Redis is to judge.
std::uint64_t cut_open_transaction(const std::filesystem::path& folder);

}  // namespace stint
