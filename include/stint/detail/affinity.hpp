// SPDX-License-Identifier: Apache-2.0
// The processors that the user gave to this process. OMP_PROC_BIND and its like may be meant for the programs that this
// process starts; libgomp obeys them here and binds the process to one processor before main() begins. So the processors
// are noted before any library starts.
#pragma once

#include <optional>

namespace stint {

/// Called by the entry of a program's .preinit_array (jobs/main.cpp). Without that entry nothing is noted.
void note_affinity();

/// The number of processors noted; none if note_affinity() was not called.
std::optional<int> processors_given();

/// Lets this thread, and the threads and programs that it starts from now on, use all processors noted.
void restore_affinity();

}  // namespace stint
