// SPDX-License-Identifier: Apache-2.0
// Whether a process of a command's group still runs.
#pragma once

namespace stint::commands {

/// True if a process of the group has not ended. A zombie (its parent does not ask for its exit code, as the first process
/// of some containers) does not count, although kill(-group, 0) finds it.
bool group_lives(int group);

}  // namespace stint::commands
