// SPDX-License-Identifier: Apache-2.0
// Whether anything of a command's process group still runs.
#pragma once

namespace stint::commands {

/// True if a process of the group has not ended. One that has ended and whose parent does not ask for its exit code (a
/// zombie, as in a container whose first process asks for none) does not count, although kill(-group, 0) finds it.
bool group_lives(int group);

}  // namespace stint::commands
