// SPDX-License-Identifier: Apache-2.0
// The descriptors that this process was started with.
#pragma once

namespace stint {

/// Opens descriptors 0 to 2 if they are closed, so that each use of them is an error: otherwise the next socket would get
/// the number, and receive output. Notes which other descriptors are open. Call it before anything else in main.
void open_standard_descriptors();

/// Whether this process was started with that descriptor (above 2): the user may name it as /dev/fd/N. All others are
/// Stint's own sockets and files.
bool inherited(int descriptor);

}  // namespace stint
