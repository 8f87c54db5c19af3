// SPDX-License-Identifier: Apache-2.0
// The processors that the user gave to this process. With OMP_PROC_BIND and its like, which may be meant for what the
// process starts, libgomp binds it to one of them before main() begins; so they are noted before any library begins.
#pragma once

#include <optional>

namespace stint {

/// Called by the entry of a program's .preinit_array (jobs/main.cpp). A program without one has nothing noted.
void note_affinity();

/// How many they are; none: nobody has noted them.
std::optional<int> processors_given();

/// Lets this thread, and what it starts from now on, use all that were noted.
void restore_affinity();

}  // namespace stint
